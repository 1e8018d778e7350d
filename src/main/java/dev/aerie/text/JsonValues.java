package dev.aerie.text;

import java.io.IOException;

/**
 * Splits a text into the elements of an array, or into consecutive values, by brackets and quotes alone. Elements are parsed
 * later, so bytes that are not UTF-8 only lose the element that contains them.
 */
final class JsonValues {

    /** There is invalid text between elements. */
    static final class SyntaxException extends Exception {

        private static final long serialVersionUID = 1;

        SyntaxException(String reason) {
            super(reason);
        }
    }

    private final InputBytes in;
    private final boolean array;
    private long start;
    private boolean entered;
    private boolean ended;
    /** A byte that was read and belongs to what follows; -2 for none. */
    private int ahead = -2;

    JsonValues(InputBytes in, boolean array) {
        this.in = in;
        this.array = array;
    }

    /** Returns where in the text the last value that was asked for begins. */
    long start() {
        return start;
    }

    /** Returns the next value; null at the end. */
    InputBytes.RecordBytes next() throws IOException, UnreadableInputException, SyntaxException {
        if (ended) {
            return null;
        }
        int b = token();
        start = in.position() - 1;
        if (array) {
            b = entered ? separator(b) : first();
            entered = true;
        }
        if (b < 0) {
            start = in.position();
        }
        if (ended || !array && b < 0) {
            ended = true;
            return null;
        }
        if (b < 0) {
            throw new SyntaxException("the file ends inside the array");
        }
        if (array && (b == ',' || b == ']')) {
            throw new SyntaxException("unexpected '" + (char) b + "'");
        }
        return value(b);
    }

    private int first() throws IOException, UnreadableInputException, SyntaxException {
        int b = token();
        start = in.position() - 1;
        return b == ']' ? close() : b;
    }

    private int separator(int b) throws IOException, UnreadableInputException, SyntaxException {
        if (b == ']') {
            return close();
        }
        if (b == ',') {
            int next = token();
            start = in.position() - 1;
            return next;
        }
        if (b >= 0) {
            throw new SyntaxException("no comma after a record");
        }
        return b;
    }

    private int close() throws IOException, UnreadableInputException, SyntaxException {
        if (token() >= 0) {
            start = in.position() - 1;
            throw new SyntaxException("something follows the end of the array");
        }
        ended = true;
        return -1;
    }

    private int token() throws IOException, UnreadableInputException {
        int b = ahead == -2 ? in.read() : ahead;
        ahead = -2;
        while (b == ' ' || b == '\n' || b == '\r' || b == '\t') {
            b = in.read();
        }
        return b;
    }

    private InputBytes.RecordBytes value(int first) throws IOException, UnreadableInputException, SyntaxException {
        InputBytes.RecordBytes value = new InputBytes.RecordBytes();
        if (first != '{' && first != '[') {
            return scalar(first, value);
        }
        int depth = 0;
        boolean string = false;
        int b = first;
        while (true) {
            value.add(b);
            if (string) {
                if (b == '\\') {
                    b = in.read();
                    if (b >= 0) {
                        value.add(b);
                    }
                } else {
                    string = b != '"';
                }
            } else if (b == '"') {
                string = true;
            } else if (b == '{' || b == '[') {
                depth++;
            } else if ((b == '}' || b == ']') && --depth == 0) {
                return value;
            }
            b = in.read();
            if (b < 0) {
                throw new SyntaxException("the file ends inside " + (array ? "the array" : "the record"));
            }
        }
    }

    /** No record, but its place among them counts; a quoted one ends with its quote. */
    private InputBytes.RecordBytes scalar(int first, InputBytes.RecordBytes value) throws IOException, UnreadableInputException {
        boolean quoted = first == '"';
        value.add(first);
        int b = in.read();
        while (b >= 0 && (quoted || b != ',' && b != ']' && b != '\n' && b != ' ')) {
            value.add(b);
            if (quoted && b == '"') {
                return value;
            }
            if (quoted && b == '\\') {
                value.add(in.read());
            }
            b = in.read();
        }
        ahead = b;
        return value;
    }
}
