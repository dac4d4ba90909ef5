package dev.triptych.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A table that is printed as aligned text or as Markdown. */
final class Table {

  private final String title;
  private final List<String> head;
  private final List<List<String>> rows = new ArrayList<>();

  Table(String title, String... head) {
    this.title = title;
    this.head = List.of(head);
  }

  void row(String... cells) {
    rows.add(List.of(cells));
  }

  String plain() {
    StringBuilder text = new StringBuilder(title).append('\n');
    line(text, head);
    rows.forEach(row -> line(text, row));
    return text.toString();
  }

  private void line(StringBuilder text, List<String> cells) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < cells.size(); i++) {
      String cell = cells.get(i);
      String room = " ".repeat(width(i) - cell.length());
      line.append("  ").append(i == 0 ? cell + room : room + cell);
    }
    text.append(line.toString().stripTrailing()).append('\n');
  }

  private int width(int column) {
    int width = head.get(column).length();
    for (List<String> row : rows) {
      width = Math.max(width, row.get(column).length());
    }
    return width;
  }

  String markdown() {
    StringBuilder text = new StringBuilder("## ").append(title).append("\n\n");
    markdown(text, head);
    markdown(text, Collections.nCopies(head.size(), "---"));
    rows.forEach(row -> markdown(text, row));
    return text.toString();
  }

  private static void markdown(StringBuilder text, List<String> cells) {
    text.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }
}
