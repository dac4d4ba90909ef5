package dev.triptych.text;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import jakarta.inject.Inject;
import java.util.regex.Pattern;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.NullMarked;

/** The house's structure, as far as the text service is concerned. */
@AnalyzeClasses(
    packages = "dev.triptych.text",
    importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.OwnCode.class})
class ArchitectureTest {

  private static final String API = "dev.triptych.text.v1..";

  @ArchTest
  static final ArchRule onlyTheTritonClientSpeaksTritonsProtocol =
      noClasses().should().dependOnClassesThat().resideInAPackage("dev.triptych.inference..");

  /** The others are plain domain code: they know neither requests nor responses. */
  @ArchTest
  static final ArchRule theApisMessagesStayAtTheEdge =
      noClasses()
          .that(
              not(
                  belongTo(
                      "[A-Za-z]+(Mapper|Endpoint|Sink)",
                      // Use cases: they take the request and give the response.
                      "GenerateText|EmbedText|ListModels",
                      // The name of the gRPC service, for health.
                      "TextModels",
                      // An outcome is the message without its text.
                      "CandidateText|GenerationOutcome|RunningGeneration")))
          .should()
          .dependOnClassesThat()
          .resideInAPackage(API);

  @ArchTest
  static final ArchRule promptsAndDialectsKnowNoMessages =
      noClasses()
          .that()
          .resideInAPackage("..prompt..")
          .or()
          .haveSimpleNameEndingWith("Dialect")
          .should()
          .dependOnClassesThat()
          .resideInAPackage(API);

  @ArchTest
  static final ArchRule endpointsLeaveTritonToTheirUseCases =
      noClasses()
          .that()
          .haveSimpleNameEndingWith("Endpoint")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.triptych.triton..");

  @ArchTest
  static final ArchRule onlyTheEndpointIsAGrpcService =
      classes()
          .that()
          .areAssignableTo(io.grpc.BindableService.class)
          .should()
          .haveSimpleNameEndingWith("Endpoint");

  @ArchTest
  static final ArchRule statusesAreMadeByTheKitAlone =
      noClasses()
          .should()
          .dependOnClassesThat()
          .belongToAnyOf(io.grpc.Status.class, io.grpc.StatusRuntimeException.class);

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("dev.triptych.text.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule featuresDoNotKnowTheEndpoint =
      noClasses()
          .that()
          .resideInAPackage("dev.triptych.text.*..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.triptych.text");

  @ArchTest
  static final ArchRule packagesAreNamedByFeature =
      noClasses()
          .should()
          .resideInAnyPackage(
              "..util..", "..common..", "..helper..", "..impl..", "..dto..", "..manager..");

  @ArchTest
  static final ArchRule injectionIsByConstructor =
      fields()
          .should()
          .notBeAnnotatedWith(Inject.class)
          .andShould()
          .notBeAnnotatedWith(ConfigProperty.class);

  @ArchTest
  static final ArchRule injectionIsNotBySetter =
      methods().should().notBeAnnotatedWith(Inject.class);

  @ArchTest
  static final ArchRule nullnessIsDeclaredForEachPackage =
      classes().should(liveInANullMarkedPackage());

  private static ArchCondition<JavaClass> liveInANullMarkedPackage() {
    return new ArchCondition<>("live in a package that is @NullMarked") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        boolean marked = type.getPackage().isAnnotatedWith(NullMarked.class);
        events.add(
            new SimpleConditionEvent(type, marked, type.getPackageName() + " is not marked"));
      }
    };
  }

  /** Leaves out the messages of the API, which are generated. */
  static final class OwnCode implements ImportOption {

    @Override
    public boolean includes(Location location) {
      return !location.contains("/dev/triptych/text/v1/");
    }
  }

  /** Top-level classes whose simple names match, and what is nested in them. */
  private static DescribedPredicate<JavaClass> belongTo(String... patterns) {
    Pattern any = Pattern.compile(String.join("|", patterns));
    return DescribedPredicate.describe(
        "belong to " + any,
        type -> {
          String name = type.getName().substring(type.getPackageName().length() + 1);
          return any.matcher(name.replaceFirst("\\$.*", "")).matches();
        });
  }
}
