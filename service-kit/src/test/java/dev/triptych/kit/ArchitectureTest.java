package dev.triptych.kit;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import jakarta.inject.Inject;

/** The house's structure, as far as the service kit is concerned. */
@AnalyzeClasses(packages = "dev.triptych.kit", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule knowsNoService =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.triptych.text..", "dev.triptych.image..", "dev.triptych.audio..")
          .because("the kit serves all services alike");

  @ArchTest
  static final ArchRule onlyTheTritonClientSpeaksTritonsProtocol =
      noClasses().should().dependOnClassesThat().resideInAPackage("dev.triptych.inference..");

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("dev.triptych.kit.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule packagesAreNamedByFeature =
      noClasses()
          .should()
          .resideInAnyPackage(
              "..util..", "..common..", "..helper..", "..impl..", "..dto..", "..manager..");

  @ArchTest
  static final ArchRule injectionIsByConstructor =
      fields().should().notBeAnnotatedWith(Inject.class);
}
