package dev.aerie;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.net.URI;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;

/** The order of the packages: one may use those after it in {@link #ORDER}, never those before. */
class ArchitectureTest {

    private static final List<String> ORDER =
            List.of("jobs", "evaluate", "train", "prepare", "clean", "table", "spark", "gang", "store", "host", "draft", "target",
                    "safetensors", "text", "files", "torch", "errors");

    private final JavaClasses classes = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.aerie", "ai.djl.pytorch.jni");

    @Test
    void packagesUseOnlyThoseBelow() {
        for (int i = 1; i < ORDER.size(); i++) {
            String[] above = ORDER.subList(0, i).stream().map(p -> "dev.aerie." + p + "..").toArray(String[]::new);
            noClasses().that().resideInAPackage("dev.aerie." + ORDER.get(i) + "..")
                    .should().dependOnClassesThat().resideInAnyPackage(above)
                    .allowEmptyShould(true)
                    .check(classes);
        }
    }

    /** Within the target: specs, then what reads them, then the families and the layers, then the target itself. */
    @Test
    void partsOfTheTargetUseOnlyThoseBelow() {
        List<String> order = List.of("family", "weights", "spec");
        for (int i = 1; i < order.size(); i++) {
            noClasses().that().resideInAPackage("dev.aerie.target." + order.get(i))
                    .should().dependOnClassesThat().resideInAnyPackage(
                            Stream.concat(Stream.of("dev.aerie.target", "dev.aerie.target.layer"),
                                    order.subList(0, i).stream().map(p -> "dev.aerie.target." + p)).toArray(String[]::new))
                    .check(classes);
        }
        noClasses().that().resideInAnyPackage("dev.aerie.target.layer", "dev.aerie.target.family")
                .should().dependOnClassesThat().resideInAnyPackage("dev.aerie.target").check(classes);
        noClasses().that().resideInAPackage("dev.aerie.target.layer")
                .should().dependOnClassesThat().resideInAPackage("dev.aerie.target.family").check(classes);
    }

    /** It could be a library. */
    @Test
    void jinjaKnowsNothingOfAerieButItsErrors() {
        noClasses().that().resideInAPackage("dev.aerie.text.jinja")
                .should().dependOnClassesThat(resideInAPackage("dev.aerie..")
                        .and(resideOutsideOfPackages("dev.aerie.text.jinja", "dev.aerie.errors")))
                .check(classes);
    }

    @Test
    void onlyTorchKnowsTheEngine() {
        noClasses().that().resideOutsideOfPackages("dev.aerie.torch..", "ai.djl..")
                .should().dependOnClassesThat().resideInAnyPackage("ai.djl.pytorch..", "ai.djl.ndarray..", "ai.djl.engine..")
                .allowEmptyShould(true)
                .check(classes);
    }

    @Test
    void tensorsModelsAndTextKnowNothingOfSpark() {
        String[] plain = Stream.of("text", "target", "draft", "host", "store", "safetensors", "files", "torch", "errors")
                .map(p -> "dev.aerie." + p + "..").toArray(String[]::new);
        noClasses().that().resideInAnyPackage(plain)
                .should().dependOnClassesThat().resideInAnyPackage("org.apache.spark..", "scala..")
                .allowEmptyShould(true)
                .check(classes);
    }

    /**
     * A family of another jar needs {@code TargetFamily}, {@code DenseDecoder} and the specs; the helpers of our families are
     * ours.
     */
    @Test
    void onlyFamiliesAndWhatTheyAreMadeOfArePublic() {
        classes().that().resideInAPackage("dev.aerie.target.family").and().arePublic().and().areTopLevelClasses()
                .should().beAssignableTo("dev.aerie.target.family.TargetFamily")
                .orShould().haveSimpleName("TargetFamilies")
                .orShould().haveSimpleName("DenseDecoder")
                .check(classes);
    }

    /** The classes that load, map and call libtorch are not public. */
    @Test
    void theBridgeToTheEngineIsNotPublic() {
        classes().that().resideInAPackage("dev.aerie.torch").and().haveNameMatching(".*(Script|Kernels|Archive).*")
                .should().notBePublic().check(classes);
    }

    /** What one draft step is computed with stays in the package; others see configuration, parameters, batches and results. */
    @Test
    void theArithmeticOfTheDraftIsNotPublic() {
        classes().that().resideInAPackage("dev.aerie.draft")
                .and().haveNameMatching(".*(Rows|TttForward|TttBackward|TttLoss|DraftTensors|VocabularyIndex|Json|Golden).*")
                .should().notBePublic().check(classes);
    }

    /** The table is read where there is no libtorch and none of the stages' Spark jobs. */
    @Test
    void theTableKnowsStoresAlone() {
        noClasses().that().resideInAPackage("dev.aerie.table")
                .should().dependOnClassesThat(resideInAPackage("dev.aerie..")
                        .and(resideOutsideOfPackages("dev.aerie.table", "dev.aerie.store", "dev.aerie.text", "dev.aerie.errors")))
                .check(classes);
    }

    /** One SHA-256 and one spelling of it; the gang's HMAC is another thing. */
    @Test
    void onlyFilesComputeDigests() {
        noClasses().that().resideOutsideOfPackage("dev.aerie.files")
                .should().callMethod(MessageDigest.class, "getInstance", String.class)
                .orShould().dependOnClassesThat().belongToAnyOf(HexFormat.class)
                .check(classes);
    }

    /** What differs between file systems is said in one place; others ask for the kind. */
    @Test
    void onlyFilesReadSchemes() {
        noClasses().that().resideOutsideOfPackage("dev.aerie.files")
                .should().callMethod(URI.class, "getScheme")
                .orShould().callMethod(FileSystem.class, "getScheme")
                .check(classes);
    }
}
