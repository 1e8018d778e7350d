package dev.aerie.quickstart;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;

/**
 * Seeded choices and the patterns they are made in.
 *
 * <p>A pattern is text with {@code [one|other]} alternatives, which may nest and of which one is drawn, and {@code {slots}}
 * filled from the names and values given. Afterwards {@code a(n)} agrees with the word that follows it and sentences begin
 * with a capital.
 */
final class Draw {

    // java.util.Random because its sequence is specified; the conversations must be the same on every JDK.
    private final Random random;

    Draw(long seed) {
        random = new Random(seed);
    }

    /** A whole number from low to high, both included. */
    int number(int low, int high) {
        return low + random.nextInt(high - low + 1);
    }

    boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    @SafeVarargs
    final <T> T one(T... of) {
        return of[random.nextInt(of.length)];
    }

    /** Several different ones, in random order. */
    <T> List<T> some(int count, List<T> of) {
        List<T> shuffled = new ArrayList<>(of);
        Collections.shuffle(shuffled, random);
        return List.copyOf(shuffled.subList(0, count));
    }

    /**
     * Writes a pattern out.
     *
     * @param slots name, value, name, value, ...
     * @throws IllegalArgumentException if the pattern has a slot without a value or a bracket without its partner
     */
    String say(String pattern, Object... slots) {
        Map<String, String> values = new HashMap<>();
        for (int i = 0; i < slots.length; i += 2) {
            values.put((String) slots[i], String.valueOf(slots[i + 1]));
        }
        return polish(fill(choose(pattern), values));
    }

    private String choose(String pattern) {
        StringBuilder out = new StringBuilder();
        int i = 0;
        while (i < pattern.length()) {
            char c = pattern.charAt(i);
            if (c != '[') {
                out.append(c);
                i++;
                continue;
            }
            List<String> options = new ArrayList<>();
            int depth = 1;
            int start = ++i;
            for (; depth > 0; i++) {
                if (i == pattern.length()) {
                    throw new IllegalArgumentException("Invalid pattern: " + pattern + " (expected ] for every [)");
                }
                char d = pattern.charAt(i);
                depth += d == '[' ? 1 : d == ']' ? -1 : 0;
                if (depth == 0 || depth == 1 && d == '|') {
                    options.add(pattern.substring(start, i));
                    start = i + 1;
                }
            }
            out.append(choose(one(options)));
        }
        return out.toString();
    }

    private static String fill(String text, Map<String, String> values) {
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (int open = text.indexOf('{'); open >= 0; open = text.indexOf('{', from)) {
            int close = text.indexOf('}', open);
            String name = text.substring(open + 1, close);
            if (!values.containsKey(name)) {
                throw new IllegalArgumentException("Invalid pattern: " + text + " (expected a value for {" + name + "})");
            }
            out.append(text, from, open).append(values.get(name));
            from = close + 1;
        }
        return out.append(text.substring(from)).toString();
    }

    private static final Pattern ARTICLE = Pattern.compile("([Aa])\\(n\\) (?=(umbrella|[aeio])?)");
    private static final Pattern ONE_OF_MANY = Pattern.compile("(?<![0-9:])1 "
            + "(coin|mile|pound|hour|minute|day|week|month|year)s\\b");
    private static final Pattern SENTENCE = Pattern.compile("(^|[.!?] |\n|\\. \"|\n\")([a-z])");

    /** Agreement of a(n), one coin but two coins, capitals at sentence starts. */
    private static String polish(String text) {
        String agreed = ARTICLE.matcher(text).replaceAll(m -> m.group(1) + (m.group(2) == null ? " " : "n "));
        String counted = ONE_OF_MANY.matcher(agreed).replaceAll("1 $1");
        return SENTENCE.matcher(counted).replaceAll(m -> m.group(1) + m.group(2).toUpperCase(Locale.ROOT));
    }

    /** "a, b and c". */
    static String list(List<String> items) {
        int last = items.size() - 1;
        return last <= 0 ? String.join("", items) : String.join(", ", items.subList(0, last)) + " and " + items.get(last);
    }

    static String list(String... items) {
        return list(Arrays.asList(items));
    }
}
