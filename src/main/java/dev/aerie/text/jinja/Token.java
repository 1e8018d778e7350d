package dev.aerie.text.jinja;

/** One lexical unit of a template; {@code text} is decoded for strings and verbatim otherwise. */
record Token(Kind kind, String text, int line) {

    enum Kind { DATA, BLOCK_BEGIN, BLOCK_END, VARIABLE_BEGIN, VARIABLE_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END }

    boolean is(Kind expected, String expectedText) {
        return kind == expected && text.equals(expectedText);
    }

    boolean operator(String symbol) {
        return is(Kind.OPERATOR, symbol);
    }

    boolean name(String word) {
        return is(Kind.NAME, word);
    }

    /** For error messages. */
    String described() {
        return switch (kind) {
            case END -> "the end of the template";
            case BLOCK_END -> "the end of the statement";
            case VARIABLE_END -> "the end of the expression";
            case DATA -> "template text";
            default -> "'" + text + "'";
        };
    }
}
