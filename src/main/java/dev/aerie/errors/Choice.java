package dev.aerie.errors;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** A constant of an enum that users select by its name in lower case, in recipes, on command lines and in files. */
public interface Choice {

    /** Returns the constant's name; every enum implements it. */
    String name();

    /** Returns the name that users write. */
    default String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Returns the constant with the user's name.
     *
     * @param what the thing chosen, for the message
     * @param text the user's value
     * @throws RefusalException if no constant has this name
     */
    static <E extends Enum<E> & Choice> E of(Class<E> type, String what, String text) {
        return Arrays.stream(type.getEnumConstants()).filter(c -> c.text().equals(text)).findFirst()
                .orElseThrow(() -> new RefusalException("Invalid " + what + ": " + text + " (expected "
                        + listed(Arrays.stream(type.getEnumConstants()).map(Choice::text).toList()) + ")"));
    }

    /** Returns the names as {@code a, b or c}. */
    static String listed(List<String> names) {
        int last = names.size() - 1;
        return last == 0 ? names.get(0) : String.join(", ", names.subList(0, last)) + " or " + names.get(last);
    }
}
