package dev.aerie.text.jinja;

import dev.aerie.text.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens as jinja2's lexer does with {@code trim_blocks} and {@code lstrip_blocks}: a newline after a
 * statement goes, and so does white space before one that starts its line; {@code -} strips all of it, {@code +} keeps it.
 */
final class Lexer {

    private static final Pattern INTEGER = Pattern.compile(
            "0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?\\d)*|0(?:_?0)*");
    private static final Pattern FLOAT = Pattern.compile(
            "(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?[eE][+\\-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+)");
    private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
    private static final Pattern OPERATOR = Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}><=.:|,;]");
    private static final Pattern RAW_BEGIN = Pattern.compile("\\{%([-+]?)\\s*raw\\s*(?:-%}\\s*|%})");
    private static final Pattern RAW_END = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%}|-%}\\s*|%}\\n?)");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    private boolean lineStarting = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String source) {
        String normalised = source.replace("\r\n", "\n").replace('\r', '\n');
        if (normalised.endsWith("\n")) {
            normalised = normalised.substring(0, normalised.length() - 1);
        }
        Lexer lexer = new Lexer(normalised);
        lexer.root();
        return lexer.tokens;
    }

    private void root() {
        while (position < source.length()) {
            int tag = nextTag(position);
            if (tag < 0) {
                data(source.substring(position));
                position = source.length();
                break;
            }
            char kind = source.charAt(tag + 1);
            int signAt = tag + 2;
            char sign = signAt < source.length() ? source.charAt(signAt) : ' ';
            boolean signed = sign == '-' || sign == '+';
            text(tag, signed ? sign : ' ', kind != '{');
            Matcher raw = RAW_BEGIN.matcher(source).region(tag, source.length());
            if (kind == '%' && raw.lookingAt()) {
                advance(raw.end());
                raw();
                continue;
            }
            advance(signed ? signAt + 1 : signAt);
            if (kind == '#') {
                comment();
            } else {
                expression(kind == '%');
            }
        }
        tokens.add(new Token(Kind.END, "", line));
    }

    private int nextTag(int from) {
        for (int i = source.indexOf('{', from); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            char next = source.charAt(i + 1);
            if (next == '{' || next == '%' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    /** Emits what lies before the tag at {@code end}, stripped as its sign and the settings ask. */
    private void text(int end, char sign, boolean strippable) {
        String text = source.substring(position, end);
        int keep = text.length();
        if (sign == '-') {
            keep = PythonStrings.stripEnd(text).length();
        } else if (sign != '+' && strippable) {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarting) && lineStart < text.length()
                    && PythonStrings.stripEnd(text.substring(lineStart)).isEmpty()) {
                keep = lineStart;
            }
        }
        data(text.substring(0, keep));
        advance(end);
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Kind.DATA, text, line));
        }
    }

    private void advance(int to) {
        for (int i = position; i < to; i++) {
            if (source.charAt(i) == '\n') {
                line++;
            }
        }
        if (to > position) {
            lineStarting = source.charAt(to - 1) == '\n';
        }
        position = to;
    }

    private void comment() {
        int end = source.indexOf("#}", position);
        if (end < 0) {
            throw new TemplateException("Invalid template: a comment is never closed (expected #})", line);
        }
        char sign = end > position ? source.charAt(end - 1) : ' ';
        advance(end + 2);
        afterTag(sign, true);
    }

    private void raw() {
        Matcher end = RAW_END.matcher(source);
        if (!end.find(position)) {
            throw new TemplateException("Invalid template: a raw block is never closed (expected endraw)", line);
        }
        text(end.start(), end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0), true);
        advance(end.end());
    }

    private void afterTag(char sign, boolean block) {
        if (sign == '-') {
            int next = position;
            while (next < source.length() && PythonStrings.isSpace(source.charAt(next))) {
                next++;
            }
            advance(next);
        } else if (block && sign != '+' && position < source.length() && source.charAt(position) == '\n') {
            advance(position + 1);
        }
    }

    private void expression(boolean block) {
        int began = line;
        String close = block ? "%}" : "}}";
        tokens.add(new Token(block ? Kind.BLOCK_BEGIN : Kind.VARIABLE_BEGIN, block ? "{%" : "{{", line));
        Deque<Character> open = new ArrayDeque<>();
        while (position < source.length()) {
            char c = source.charAt(position);
            if (PythonStrings.isSpace(c)) {
                advance(position + 1);
                continue;
            }
            // Inside brackets }} is two closing braces, as in {{ {'a': {}} }}.
            if (open.isEmpty()) {
                char sign = c == '-' || (c == '+' && block) ? c : ' ';
                int at = sign == ' ' ? position : position + 1;
                if (source.startsWith(close, at)) {
                    tokens.add(new Token(block ? Kind.BLOCK_END : Kind.VARIABLE_END, close, line));
                    advance(at + 2);
                    afterTag(sign, block);
                    return;
                }
            }
            token(c, open);
        }
        throw new TemplateException("Invalid template: " + (block ? "a statement" : "an expression")
                + " is never closed (expected " + close + ")", began);
    }

    private void token(char c, Deque<Character> open) {
        if (c == '\'' || c == '"') {
            string(c);
        } else if (!match(FLOAT, Kind.FLOAT) && !match(INTEGER, Kind.INTEGER) && !match(NAME, Kind.NAME)) {
            int before = tokens.size();
            if (!match(OPERATOR, Kind.OPERATOR)) {
                throw new TemplateException("Invalid template: unexpected character '" + c + "'", line);
            }
            balance(tokens.get(before), open);
        }
    }

    private void balance(Token operator, Deque<Character> open) {
        switch (operator.text()) {
            case "(" -> open.push(')');
            case "[" -> open.push(']');
            case "{" -> open.push('}');
            case ")", "]", "}" -> {
                if (open.isEmpty() || open.pop() != operator.text().charAt(0)) {
                    throw new TemplateException("Invalid template: unexpected '" + operator.text() + "'", operator.line());
                }
            }
            default -> { }
        }
    }

    private boolean match(Pattern pattern, Kind kind) {
        Matcher matcher = pattern.matcher(source).region(position, source.length());
        if (!matcher.lookingAt()) {
            return false;
        }
        tokens.add(new Token(kind, matcher.group(), line));
        advance(matcher.end());
        return true;
    }

    private void string(char quote) {
        int end = position + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw new TemplateException("Invalid template: a string is never closed (expected " + quote + ")", line);
        }
        tokens.add(new Token(Kind.STRING, PythonStrings.unescape(source.substring(position + 1, end), line), line));
        advance(end + 1);
    }
}
