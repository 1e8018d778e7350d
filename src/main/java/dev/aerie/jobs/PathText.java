package dev.aerie.jobs;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.Path;

/**
 * A path as somebody writes it. No shell has read it: {@code ~} and {@code $HOME} would be folders of that name, and the work of
 * hours would lie in one.
 */
final class PathText {

    private static final Pattern HOME = Pattern.compile("(file:(?://)?)?(?:~|\\$HOME|\\$\\{HOME\\})(?=/|$)");
    private static final Pattern ANY = Pattern.compile("^(?:file:(?://)?)?~|(?:^|[/:])(\\$\\w+)|(\\$\\{[^}]*\\}?)|(\\$\\([^)]*\\)?)");

    private PathText() {}

    /** The same with this process's home folder in its place; refuses every other variable and every other user's home. */
    static String expanded(String key, String text) {
        String path = text;
        Matcher home = HOME.matcher(text);
        if (home.lookingAt()) {
            path = (home.group(1) == null ? "" : home.group(1)) + System.getProperty("user.home") + text.substring(home.end());
        }
        Matcher left = ANY.matcher(path);
        if (left.find()) {
            throw RecipeException.invalid(key, text, "a path or URI in which ~ and $HOME stand at the start and nothing else is "
                    + "for a shell to replace");
        }
        try {
            new Path(path);
            return path;
        } catch (IllegalArgumentException e) {
            throw RecipeException.invalid(key, text, "a path or URI: " + e.getMessage());
        }
    }
}
