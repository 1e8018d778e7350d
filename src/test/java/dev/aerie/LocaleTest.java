package dev.aerie;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitAccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.text.DecimalFormat;
import java.text.NumberFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/**
 * Formats, parses and changes case in no language of the host: with {@code -Duser.language=ar -Duser.country=EG} a number has
 * other digits, and with Turkish an I another small letter.
 */
class LocaleTest {

    /** Methods that take the host's language unless their first parameter is a Locale. */
    private static final Map<String, Set<String>> BY_METHOD = Map.of(
            "java.lang.String", Set.of("format", "formatted", "toLowerCase", "toUpperCase"),
            "java.io.PrintStream", Set.of("format", "printf"),
            "java.io.PrintWriter", Set.of("format", "printf"),
            "java.io.Console", Set.of("format", "printf", "readLine"),
            "java.util.Locale", Set.of("getDefault"));

    /** Types that take it unless one of the parameters, at any place, is a Locale. */
    private static final Set<String> BY_TYPE = Set.of(
            "java.util.Formatter", "java.text.DecimalFormat", "java.text.NumberFormat", "java.text.DecimalFormatSymbols",
            "java.text.SimpleDateFormat", "java.text.DateFormat", "java.text.MessageFormat", "java.text.Collator",
            "java.text.BreakIterator", "java.util.Scanner");

    private static final DescribedPredicate<JavaAccess<?>> HOST_LANGUAGE =
            DescribedPredicate.describe("uses the language of the host", LocaleTest::usesHostLanguage);

    private static boolean usesHostLanguage(JavaAccess<?> access) {
        JavaClass owner = access.getTargetOwner();
        String method = access.getTarget().getName();
        if (!(access.getTarget() instanceof CodeUnitAccessTarget target)) {
            return false;
        }
        List<String> parameters = target.getRawParameterTypes().stream().map(JavaClass::getName).toList();
        boolean told = parameters.contains("java.util.Locale");
        if (BY_METHOD.getOrDefault(owner.getName(), Set.of()).contains(method)) {
            return !told;
        }
        boolean makes = method.equals("<init>") || method.startsWith("get") && method.endsWith("Instance");
        boolean pattern = owner.getName().equals("java.time.format.DateTimeFormatter") && method.equals("ofPattern");
        return !told && (pattern || makes && BY_TYPE.contains(owner.getName()));
    }

    @Test
    void everythingIsFormattedInOneLanguage() {
        noClasses().that().haveNameNotMatching(".*(LocaleTest|MarkersTest).*").should().accessTargetWhere(HOST_LANGUAGE)
                .check(new ClassFileImporter().importPackages("dev.aerie", "ai.djl.pytorch.jni"));
    }

    /** The rule above sees what it is meant to see, method references too. */
    @Test
    void theRuleSeesCallsAndReferences() {
        JavaClass wrong = new ClassFileImporter().importClass(Wrong.class);
        assertEquals(5, wrong.getAccessesFromSelf().stream().filter(HOST_LANGUAGE).count());
        assertFalse(new ClassFileImporter().importClass(Right.class).getAccessesFromSelf().stream().anyMatch(HOST_LANGUAGE));
    }

    private static final class Wrong {

        final UnaryOperator<String> reference = String::toLowerCase;

        String calls() {
            return String.format("%d", 1) + "%d".formatted(2) + new DecimalFormat("0").format(3)
                    + NumberFormat.getInstance().format(4);
        }
    }

    private static final class Right {

        String calls() {
            return String.format(Locale.ROOT, "%d", 1) + "I".toLowerCase(Locale.ROOT) + NumberFormat.getInstance(Locale.ROOT)
                    .format(4);
        }
    }
}
