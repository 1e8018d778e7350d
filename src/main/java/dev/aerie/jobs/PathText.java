package dev.aerie.jobs;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.Path;

/**
 * Expands a path of a recipe or a command. No shell has expanded it, so {@code ~} and {@code $HOME} would otherwise become
 * folders of that name, with hours of work in them.
 */
final class PathText {

    private static final Pattern HOME = Pattern.compile("(file:(?://)?)?(?:~|\\$HOME|\\$\\{HOME\\})(?=/|$)");
    private static final Pattern ANY =
            Pattern.compile("^(?:file:(?://)?)?~|(?:^|[/:])(\\$\\w+)|(\\$\\{[^}]*\\}?)|(\\$\\([^)]*\\)?)");

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
