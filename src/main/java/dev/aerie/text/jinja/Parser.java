package dev.aerie.text.jinja;

import dev.aerie.text.jinja.Node.Assigned;
import dev.aerie.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Statements of a template. */
final class Parser {

    private static final int MAX_DEPTH = 100;

    private final ExpressionParser in;
    private int depth;
    private int loops;

    private Parser(List<Token> tokens) {
        in = new ExpressionParser(tokens);
    }

    static List<Node> parse(String source) {
        Parser parser = new Parser(Lexer.tokens(source));
        List<Node> nodes = parser.until(Set.of());
        if (parser.in.peek().kind() != Kind.END) {
            throw parser.in.unexpected("the end of the template");
        }
        return nodes;
    }

    /** Statements up to one of the words, which is left as the current token. */
    private List<Node> until(Set<String> words) {
        if (++depth > MAX_DEPTH) {
            throw new TemplateException("Invalid template: statements nested more than " + MAX_DEPTH + " deep", in.peek().line());
        }
        List<Node> nodes = new ArrayList<>();
        while (in.peek().kind() != Kind.END) {
            Token token = in.take();
            switch (token.kind()) {
                case DATA -> nodes.add(new Node.Data(token.line(), token.text()));
                case VARIABLE_BEGIN -> {
                    nodes.add(new Node.Print(token.line(), in.tuple()));
                    expect(Kind.VARIABLE_END, "}}");
                }
                default -> {
                    if (in.peek().kind() == Kind.NAME && words.contains(in.peek().text())) {
                        depth--;
                        return nodes;
                    }
                    nodes.add(statement(token.line()));
                    expect(Kind.BLOCK_END, "%}");
                }
            }
        }
        if (!words.isEmpty()) {
            throw in.unexpected(String.join(" or ", words.stream().sorted().toList()));
        }
        depth--;
        return nodes;
    }

    private void expect(Kind kind, String symbol) {
        if (in.peek().kind() != kind) {
            throw in.unexpected(symbol);
        }
        in.take();
    }

    /** Returns the body of a statement whose head ends here, up to its end word, which is taken. */
    private List<Node> body(String end) {
        expect(Kind.BLOCK_END, "%}");
        List<Node> nodes = until(Set.of(end));
        in.take();
        return nodes;
    }

    private Node statement(int line) {
        String word = in.expectName();
        return switch (word) {
            case "if" -> branches(line);
            case "for" -> loop(line);
            case "set" -> assignment(line);
            case "macro" -> macro(line);
            case "call" -> call(line);
            case "filter" -> new Node.Captured(line, null, filters(), body("endfilter"));
            case "with" -> with(line);
            case "generation" -> new Node.Block(line, List.of(), List.of(), body("endgeneration"));
            case "break", "continue" -> {
                if (loops == 0) {
                    throw new TemplateException("Invalid template: " + word + " outside a loop", line);
                }
                yield new Node.Jump(line, word.equals("break") ? Node.Flow.BREAK : Node.Flow.CONTINUE);
            }
            default -> throw new TemplateException("Invalid template: unknown statement '" + word + "'", line);
        };
    }

    private Node branches(int line) {
        List<Node.Branch> branches = new ArrayList<>();
        Expression condition = in.unconditional();
        while (true) {
            expect(Kind.BLOCK_END, "%}");
            List<Node> body = until(condition == null ? Set.of("endif") : Set.of("elif", "else", "endif"));
            branches.add(new Node.Branch(condition, body));
            String word = in.take().text();
            if (word.equals("endif")) {
                return new Node.If(line, branches);
            }
            condition = word.equals("elif") ? in.unconditional() : null;
        }
    }

    private Node loop(int line) {
        Assigned target = target(false);
        if (!in.skipName("in")) {
            throw in.unexpected("in");
        }
        Expression iterable = in.unconditional();
        Expression filter = in.skipName("if") ? in.expression() : null;
        boolean recursive = in.skipName("recursive");
        expect(Kind.BLOCK_END, "%}");
        loops++;
        List<Node> body = until(Set.of("else", "endfor"));
        loops--;
        List<Node> otherwise = in.take().name("else") ? body("endfor") : List.of();
        return new Node.For(line, target, iterable, filter, recursive, body, otherwise);
    }

    private Assigned target(boolean members) {
        List<Assigned> targets = new ArrayList<>();
        boolean several = false;
        do {
            if (!targets.isEmpty() && in.peek().kind() != Kind.NAME && !in.peek().operator("(")) {
                break;
            }
            targets.add(single(members));
            several |= in.peek().operator(",");
        } while (in.skipOperator(","));
        return several ? new Assigned.Several(targets) : targets.get(0);
    }

    private Assigned single(boolean members) {
        if (in.skipOperator("(")) {
            Assigned inside = target(members);
            in.expectOperator(")");
            return inside;
        }
        int line = in.peek().line();
        String name = in.expectName();
        if (Set.of("true", "false", "none", "True", "False", "None", "in").contains(name)) {
            throw new TemplateException("Invalid template: cannot assign to '" + name + "'", line);
        }
        return members && in.skipOperator(".") ? new Assigned.Member(name, in.expectName()) : new Assigned.Variable(name);
    }

    private Node assignment(int line) {
        Assigned target = target(true);
        if (in.skipOperator("=")) {
            return new Node.Set(line, target, in.tuple());
        }
        Expression filtered = in.peek().operator("|") ? in.filtered(new Expression.Name(Node.Captured.TEXT)) : null;
        return new Node.Captured(line, target, filtered, body("endset"));
    }

    /** {@code filter a | b(c)}, written as a filter of the captured text. */
    private Expression filters() {
        Expression text = new Expression.Name(Node.Captured.TEXT);
        String name = in.expectName();
        return in.filtered(new Expression.Filter(text, name,
                in.peek().operator("(") ? in.arguments() : Expression.Arguments.NONE));
    }

    private Node macro(int line) {
        String name = in.expectName();
        List<String> parameters = new ArrayList<>();
        Map<String, Expression> defaults = new LinkedHashMap<>();
        parameters(parameters, defaults);
        return new Node.Macro(line, name, parameters, defaults, macroBody("endmacro"));
    }

    private void parameters(List<String> parameters, Map<String, Expression> defaults) {
        in.expectOperator("(");
        while (!in.skipOperator(")")) {
            if (!parameters.isEmpty()) {
                in.expectOperator(",");
            }
            String parameter = in.expectName();
            parameters.add(parameter);
            if (in.skipOperator("=")) {
                defaults.put(parameter, in.expression());
            } else if (!defaults.isEmpty()) {
                throw in.unexpected("a default for '" + parameter + "', which follows one that has");
            }
        }
    }

    private List<Node> macroBody(String end) {
        int outside = loops;
        loops = 0;
        List<Node> body = body(end);
        loops = outside;
        return body;
    }

    private Node call(int line) {
        List<String> parameters = new ArrayList<>();
        Map<String, Expression> defaults = new LinkedHashMap<>();
        if (in.peek().operator("(")) {
            parameters(parameters, defaults);
        }
        if (!(in.expression() instanceof Expression.Call call)) {
            throw in.unexpected("a call of a macro");
        }
        return new Node.CallBlock(line, call, new Node.Macro(line, "caller", parameters, defaults, macroBody("endcall")));
    }

    private Node with(int line) {
        List<String> names = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (in.peek().kind() != Kind.BLOCK_END) {
            if (!names.isEmpty()) {
                in.expectOperator(",");
            }
            names.add(in.expectName());
            in.expectOperator("=");
            values.add(in.expression());
        }
        return new Node.Block(line, names, values, body("endwith"));
    }
}
