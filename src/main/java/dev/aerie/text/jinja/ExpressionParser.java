package dev.aerie.text.jinja;

import dev.aerie.text.jinja.Expression.Arguments;
import dev.aerie.text.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Expressions by recursive descent, with the precedence of jinja2's own parser. */
final class ExpressionParser {

    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final int MAX_DEPTH = 200;

    private final List<Token> tokens;
    private int next;
    private int depth;

    ExpressionParser(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(next);
    }

    private Token ahead() {
        return tokens.get(Math.min(next + 1, tokens.size() - 1));
    }

    Token take() {
        Token token = tokens.get(next);
        next = Math.min(next + 1, tokens.size() - 1);
        return token;
    }

    boolean skipOperator(String symbol) {
        boolean found = peek().operator(symbol);
        if (found) {
            take();
        }
        return found;
    }

    boolean skipName(String word) {
        boolean found = peek().name(word);
        if (found) {
            take();
        }
        return found;
    }

    void expectOperator(String symbol) {
        if (!skipOperator(symbol)) {
            throw unexpected("'" + symbol + "'");
        }
    }

    String expectName() {
        if (peek().kind() != Kind.NAME) {
            throw unexpected("a name");
        }
        return take().text();
    }

    TemplateException unexpected(String expected) {
        return new TemplateException(
                "Invalid template: unexpected " + peek().described() + " (expected " + expected + ")", peek().line());
    }

    /** Returns an expression that may be {@code a if b else c}. */
    Expression expression() {
        if (++depth > MAX_DEPTH) {
            throw new TemplateException("Invalid template: an expression nested more than " + MAX_DEPTH + " deep", peek().line());
        }
        Expression expression = or();
        while (skipName("if")) {
            Expression condition = or();
            expression = new Expression.Conditional(condition, expression, skipName("else") ? expression() : null);
        }
        depth--;
        return expression;
    }

    /** One without {@code if}, as after {@code in} of a loop, whose filter begins with that word. */
    Expression unconditional() {
        return tuple(false);
    }

    /** Comma-separated expressions make a tuple. */
    Expression tuple() {
        return tuple(true);
    }

    private Expression tuple(boolean conditional) {
        Expression first = conditional ? expression() : or();
        if (!peek().operator(",")) {
            return first;
        }
        List<Expression> elements = new ArrayList<>(List.of(first));
        while (skipOperator(",")) {
            if (ends()) {
                break;
            }
            elements.add(conditional ? expression() : or());
        }
        return new Expression.ListOf(elements, true);
    }

    private boolean ends() {
        return peek().kind() == Kind.BLOCK_END || peek().kind() == Kind.VARIABLE_END || peek().operator(")");
    }

    private Expression or() {
        Expression left = and();
        while (skipName("or")) {
            left = new Expression.Logical(left, false, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (skipName("and")) {
            left = new Expression.Logical(left, true, not());
        }
        return left;
    }

    private Expression not() {
        if (!skipName("not")) {
            return comparison();
        }
        if (++depth > MAX_DEPTH) {
            throw new TemplateException("Invalid template: an expression nested more than " + MAX_DEPTH + " deep", peek().line());
        }
        Expression negated = new Expression.Not(not());
        depth--;
        return negated;
    }

    private Expression comparison() {
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        while (true) {
            Token token = peek();
            if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text()) || token.name("in")) {
                operators.add(take().text());
            } else if (token.name("not") && ahead().name("in")) {
                take();
                take();
                operators.add("not in");
            } else {
                return operators.isEmpty() ? first : new Expression.Comparison(first, operators, others);
            }
            others.add(sum());
        }
    }

    private Expression sum() {
        Expression left = concatenation();
        while (peek().operator("+") || peek().operator("-")) {
            left = new Expression.Binary(take().text(), left, concatenation());
        }
        return left;
    }

    private Expression concatenation() {
        Expression first = product();
        if (!peek().operator("~")) {
            return first;
        }
        List<Expression> parts = new ArrayList<>(List.of(first));
        while (skipOperator("~")) {
            parts.add(product());
        }
        return new Expression.Concatenation(parts);
    }

    private Expression product() {
        Expression left = power();
        while (peek().operator("*") || peek().operator("/") || peek().operator("//") || peek().operator("%")) {
            left = new Expression.Binary(take().text(), left, power());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (skipOperator("**")) {
            left = new Expression.Binary("**", left, unary(true));
        }
        return left;
    }

    private Expression unary(boolean filters) {
        if (++depth > MAX_DEPTH) {
            throw new TemplateException("Invalid template: an expression nested more than " + MAX_DEPTH + " deep", peek().line());
        }
        Expression expression;
        if (skipOperator("-")) {
            expression = new Expression.Negative(unary(false));
        } else if (skipOperator("+")) {
            expression = unary(false);
        } else {
            expression = primary();
        }
        expression = postfix(expression);
        depth--;
        return filters ? filtered(expression) : expression;
    }

    private Expression primary() {
        Token token = peek();
        switch (token.kind()) {
            case NAME -> {
                take();
                return switch (token.text()) {
                    case "true", "True" -> new Expression.Constant(true);
                    case "false", "False" -> new Expression.Constant(false);
                    case "none", "None" -> new Expression.Constant(null);
                    default -> new Expression.Name(token.text());
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (peek().kind() == Kind.STRING) {
                    text.append(take().text());
                }
                return new Expression.Constant(text.toString());
            }
            case INTEGER -> {
                take();
                return new Expression.Constant(integer(token.text().replace("_", "")));
            }
            case FLOAT -> {
                take();
                return new Expression.Constant(Double.parseDouble(token.text().replace("_", "")));
            }
            default -> {
                if (skipOperator("(")) {
                    return parenthesised();
                }
                if (skipOperator("[")) {
                    return new Expression.ListOf(elements("]"), false);
                }
                if (skipOperator("{")) {
                    return map();
                }
                throw unexpected("an expression");
            }
        }
    }

    private static Object integer(String digits) {
        int radix = digits.length() < 2 ? 10 : switch (digits.charAt(1)) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 10;
        };
        BigInteger value = new BigInteger(radix == 10 ? digits : digits.substring(2), radix);
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    private Expression parenthesised() {
        if (skipOperator(")")) {
            return new Expression.ListOf(List.of(), true);
        }
        Expression inside = tuple();
        expectOperator(")");
        return inside;
    }

    private List<Expression> elements(String close) {
        List<Expression> elements = new ArrayList<>();
        while (!skipOperator(close)) {
            if (!elements.isEmpty()) {
                expectOperator(",");
                if (skipOperator(close)) {
                    break;
                }
            }
            elements.add(expression());
        }
        return elements;
    }

    private Expression map() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!skipOperator("}")) {
            if (!keys.isEmpty()) {
                expectOperator(",");
                if (skipOperator("}")) {
                    break;
                }
            }
            keys.add(expression());
            expectOperator(":");
            values.add(expression());
        }
        return new Expression.MapOf(keys, values);
    }

    private Expression postfix(Expression owner) {
        Expression expression = owner;
        while (true) {
            if (skipOperator(".")) {
                expression = peek().kind() == Kind.INTEGER
                        ? new Expression.Item(expression, new Expression.Constant(integer(take().text())))
                        : new Expression.Attribute(expression, expectName());
            } else if (skipOperator("[")) {
                expression = subscript(expression);
            } else if (peek().operator("(")) {
                expression = new Expression.Call(expression, arguments());
            } else {
                return expression;
            }
        }
    }

    private Expression subscript(Expression owner) {
        Expression start = peek().operator(":") ? null : expression();
        if (skipOperator("]")) {
            return new Expression.Item(owner, start);
        }
        expectOperator(":");
        Expression stop = peek().operator(":") || peek().operator("]") ? null : expression();
        Expression step = skipOperator(":") && !peek().operator("]") ? expression() : null;
        expectOperator("]");
        return new Expression.Slice(owner, start, stop, step);
    }

    /** From the opening parenthesis to the closing one. */
    Arguments arguments() {
        expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        Expression spread = null;
        Expression spreadNamed = null;
        boolean first = true;
        while (!skipOperator(")")) {
            if (!first) {
                expectOperator(",");
                if (skipOperator(")")) {
                    break;
                }
            }
            first = false;
            if (peek().operator("*") || peek().operator("**")) {
                boolean mapping = take().text().length() == 2;
                if (mapping ? spreadNamed != null : spread != null || spreadNamed != null) {
                    throw unexpected("one * and then one ** at most");
                }
                if (mapping) {
                    spreadNamed = expression();
                } else {
                    spread = expression();
                }
            } else if (peek().kind() == Kind.NAME && ahead().operator("=")) {
                String name = take().text();
                take();
                named.put(name, expression());
            } else if (!named.isEmpty() || spread != null || spreadNamed != null) {
                throw unexpected("a named argument after a named one");
            } else {
                positional.add(expression());
            }
        }
        return new Arguments(positional, named, spread, spreadNamed);
    }

    /** Filters, tests and calls after a primary, in any order. */
    Expression filtered(Expression input) {
        Expression expression = input;
        while (true) {
            if (peek().operator("|")) {
                take();
                // Whether there is such a filter is asked where it runs: a template may guard one that others lack.
                String name = expectName();
                expression = new Expression.Filter(expression, name, peek().operator("(") ? arguments() : Arguments.NONE);
            } else if (peek().name("is")) {
                take();
                expression = test(expression);
            } else if (peek().operator("(")) {
                expression = new Expression.Call(expression, arguments());
            } else {
                return expression;
            }
        }
    }

    private Expression test(Expression input) {
        boolean negated = skipName("not");
        String name = expectName();
        Arguments arguments = Arguments.NONE;
        if (peek().operator("(")) {
            arguments = arguments();
        } else if (takesOperand(peek())) {
            arguments = new Arguments(List.of(postfix(primary())), Map.of(), null, null);
        }
        Expression test = new Expression.Test(input, name, arguments);
        return negated ? new Expression.Not(test) : test;
    }

    private static boolean takesOperand(Token token) {
        return switch (token.kind()) {
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.operator("[") || token.operator("{");
            case NAME -> !Set.of("else", "or", "and", "is", "if", "in", "not", "recursive").contains(token.text());
            default -> false;
        };
    }
}
