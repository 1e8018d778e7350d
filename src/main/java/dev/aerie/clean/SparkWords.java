package dev.aerie.clean;

/** What Spark says of SQL that it refuses, without its lines of context. */
public final class SparkWords {

    private SparkWords() {}

    /** Returns the first sentence, without the condition in brackets and its number. */
    public static String of(Throwable refusal) {
        String message = String.valueOf(refusal.getMessage()).strip();
        String first = message.lines().findFirst().orElse("").strip();
        String plain = first.replaceFirst("^\\[[A-Z0-9_.]+] ", "").replaceFirst("\\s*SQLSTATE: \\w+.*$", "");
        int end = plain.indexOf(". ");
        return (end < 0 ? plain : plain.substring(0, end)).replaceFirst("[.:]$", "");
    }
}
