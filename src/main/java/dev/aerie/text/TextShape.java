package dev.aerie.text;

/** The layout of records in a text, determined from its beginning. */
enum TextShape {

    /** One array of them. */
    ARRAY,
    /** Objects over several lines each, one after the other. */
    OBJECTS,
    /** One on each line. */
    LINES,
    /** One on each line, which ends with a carriage return alone. */
    CR_LINES;

    /** Returns where the text begins: behind blanks and a byte-order mark. */
    static int start(byte[] text) {
        int i = text.length >= 3 && (text[0] & 0xff) == 0xef && (text[1] & 0xff) == 0xbb && (text[2] & 0xff) == 0xbf ? 3 : 0;
        while (i < text.length && Character.isWhitespace(text[i])) {
            i++;
        }
        return i;
    }

    /** @param start as {@link #start} found it */
    static TextShape of(byte[] text, int start) {
        if (start < text.length && text[start] == '[') {
            return ARRAY;
        }
        int end = start;
        while (end < text.length && text[end] != '\n' && text[end] != '\r') {
            end++;
        }
        boolean cr = end < text.length && text[end] == '\r' && (end + 1 == text.length || text[end + 1] != '\n');
        if (start < text.length && text[start] == '{' && goesOn(text, start, end)) {
            return OBJECTS;
        }
        return cr ? CR_LINES : LINES;
    }

    /**
     * Returns whether the object of the first line ends on a later one. A truncated line that is followed by complete ones is not
     * such an object: the next line then begins with a brace where no brace may stand, or without an indent.
     */
    private static boolean goesOn(byte[] text, int start, int lineEnd) {
        int depth = 0;
        boolean string = false;
        int last = 0;
        for (int i = start; i < lineEnd; i++) {
            int b = text[i];
            if (string) {
                if (b == '\\') {
                    i++;
                } else if (b == '"') {
                    string = false;
                    last = '"';
                }
                continue;
            }
            string = b == '"';
            depth += b == '{' || b == '[' ? 1 : b == '}' || b == ']' ? -1 : 0;
            last = Character.isWhitespace(b) ? last : b;
        }
        if (string || depth <= 0 || lineEnd >= text.length) {
            return false;
        }
        int next = lineEnd;
        while (next < text.length && Character.isWhitespace(text[next])) {
            next++;
        }
        if (next == text.length) {
            return false;
        }
        boolean indented = text[next - 1] == ' ' || text[next - 1] == '\t';
        return switch (last) {
            // An object in a list may follow a comma; where a key must stand, it may not.
            case '{' -> text[next] == '"' || text[next] == '}';
            case ',' -> text[next] == '"' || indented && innermostIsList(text, start, lineEnd);
            case ':', '[' -> text[next] == '"' || indented;
            default -> text[next] == ',' || text[next] == '}' || text[next] == ']' || text[next] == ':';
        };
    }

    private static boolean innermostIsList(byte[] text, int from, int to) {
        StringBuilder open = new StringBuilder();
        boolean string = false;
        for (int i = from; i < to; i++) {
            int b = text[i];
            if (string) {
                i += b == '\\' ? 1 : 0;
                string = b != '"';
                continue;
            }
            string = b == '"';
            if (b == '{' || b == '[') {
                open.append((char) b);
            } else if ((b == '}' || b == ']') && !open.isEmpty()) {
                open.setLength(open.length() - 1);
            }
        }
        return !open.isEmpty() && open.charAt(open.length() - 1) == '[';
    }
}
