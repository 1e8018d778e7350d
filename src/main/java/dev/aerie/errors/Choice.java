package dev.aerie.errors;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** A constant of an enum that users choose by name: in recipes, on command lines and in files it is its name in lower case. */
public interface Choice {

    /** The constant's name, as every enum has it. */
    String name();

    /** The name that users write. */
    default String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The constant that a user chose.
     *
     * @param what what is chosen, for the message
     * @throws RefusalException for a name that is none of the enum's
     */
    static <E extends Enum<E> & Choice> E of(Class<E> type, String what, String text) {
        return Arrays.stream(type.getEnumConstants()).filter(c -> c.text().equals(text)).findFirst()
                .orElseThrow(() -> new RefusalException("Invalid " + what + ": " + text + " (expected "
                        + listed(Arrays.stream(type.getEnumConstants()).map(Choice::text).toList()) + ")"));
    }

    /** {@code a, b or c}. */
    static String listed(List<String> names) {
        int last = names.size() - 1;
        return last == 0 ? names.get(0) : String.join(", ", names.subList(0, last)) + " or " + names.get(last);
    }
}
