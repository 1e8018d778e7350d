package dev.aerie.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A statement of a template: a tree that writes text. */
sealed interface Node {

    /** One-based line where the statement begins. */
    int line();

    /** @return how the sequence of statements goes on */
    Flow write(Bindings scope, Output output);

    enum Flow { NEXT, BREAK, CONTINUE }

    static Flow writeAll(List<Node> nodes, Bindings scope, Output output) {
        for (Node node : nodes) {
            scope.budget().step();
            Flow flow;
            try {
                flow = node.write(scope, output);
            } catch (TemplateException e) {
                throw e.at(node.line());
            }
            if (flow != Flow.NEXT) {
                return flow;
            }
        }
        return Flow.NEXT;
    }

    /** Writes the nodes into a text of their own. */
    static String captured(List<Node> nodes, Bindings scope) {
        Output output = new Output();
        writeAll(nodes, scope, output);
        return output.text();
    }

    record Data(int line, String text) implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            output.append(text);
            return Flow.NEXT;
        }
    }

    record Print(int line, Expression expression) implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            output.append(PythonValues.text(expression.value(scope)));
            return Flow.NEXT;
        }
    }

    /** One branch of an if; the condition is null for else. */
    record Branch(Expression condition, List<Node> body) {}

    record If(int line, List<Branch> branches) implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            for (Branch branch : branches) {
                if (branch.condition() == null || PythonValues.truth(branch.condition().value(scope))) {
                    return writeAll(branch.body(), scope, output);
                }
            }
            return Flow.NEXT;
        }
    }

    record For(int line, Assigned target, Expression iterable, Expression filter, boolean recursive, List<Node> body,
            List<Node> otherwise) implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            return run(iterable.value(scope), scope, output, 0);
        }

        private Flow run(Object over, Bindings scope, Output output, long depth) {
            scope.budget().enter();
            List<Object> elements = new ArrayList<>();
            for (Object element : PythonValues.elements(over)) {
                if (filter == null || PythonValues.truth(filter.value(round(element, scope)))) {
                    elements.add(element);
                }
            }
            scope.budget().steps(elements.size());
            Callable recursion = recursive ? (arguments, named) -> {
                Output inner = new Output();
                run(new Given("loop", arguments, named).required(0, "iterable"), scope, inner, depth + 1);
                return inner.text();
            } : null;
            Loop loop = new Loop(elements, depth, recursion);
            for (Object element : elements) {
                loop.next();
                Bindings round = round(element, scope);
                round.set("loop", loop);
                if (writeAll(body, round, output) == Flow.BREAK) {
                    break;
                }
            }
            scope.budget().leave();
            return elements.isEmpty() ? writeAll(otherwise, scope.inner(), output) : Flow.NEXT;
        }

        private Bindings round(Object element, Bindings scope) {
            Bindings round = scope.inner();
            target.assign(element, round);
            return round;
        }
    }

    /** {@code break} or {@code continue}. */
    record Jump(int line, Flow flow) implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            return flow;
        }
    }

    record Set(int line, Assigned target, Expression value) implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            target.assign(value.value(scope), scope);
            return Flow.NEXT;
        }
    }

    /** A body whose text is filtered, if there is a filter, and then assigned, or written where there is no target. */
    record Captured(int line, Assigned target, Expression filtered, List<Node> body) implements Node {

        /** What the filter's expression calls the text. No template can name it. */
        static final String TEXT = "<captured>";

        @Override
        public Flow write(Bindings scope, Output output) {
            Bindings inner = scope.inner();
            Object text = captured(body, inner);
            if (filtered != null) {
                inner.set(TEXT, text);
                text = filtered.value(inner);
            }
            if (target == null) {
                output.append(PythonValues.text(text));
            } else {
                target.assign(text, scope);
            }
            return Flow.NEXT;
        }
    }

    /** {@code with} and the {@code generation} tag, whose text is written like any other: a scope of its own. */
    record Block(int line, List<String> names, List<Expression> values, List<Node> body) implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            Bindings inner = scope.inner();
            for (int i = 0; i < names.size(); i++) {
                inner.set(names.get(i), values.get(i).value(scope));
            }
            return writeAll(body, inner, output);
        }
    }

    /** @param defaults by parameter name */
    record Macro(int line, String name, List<String> parameters, Map<String, Expression> defaults, List<Node> body)
            implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            scope.set(name, callable(scope));
            return Flow.NEXT;
        }

        Callable callable(Bindings scope) {
            return (arguments, named) -> {
                scope.budget().enter();
                String text = captured(body, bound(scope.inner(), arguments, named));
                scope.budget().leave();
                return text;
            };
        }

        private Bindings bound(Bindings inner, List<Object> arguments, Map<String, Object> named) {
            Map<String, Object> rest = new LinkedHashMap<>(named);
            for (int i = 0; i < parameters.size(); i++) {
                String parameter = parameters.get(i);
                if (i < arguments.size()) {
                    inner.set(parameter, arguments.get(i));
                } else if (rest.containsKey(parameter)) {
                    inner.set(parameter, rest.remove(parameter));
                } else {
                    Expression fallback = defaults.get(parameter);
                    inner.set(parameter, fallback == null
                            ? new Undefined("parameter '" + parameter + "' was not provided") : fallback.value(inner));
                }
            }
            if (rest.containsKey("caller")) {
                inner.set("caller", rest.remove("caller"));
            }
            inner.set("varargs", arguments.size() > parameters.size()
                    ? new Tuple(arguments.subList(parameters.size(), arguments.size())) : new Tuple(List.of()));
            inner.set("kwargs", rest);
            return inner;
        }
    }

    /** {@code call(x) macro(...)}: the body is the macro's {@code caller}. */
    record CallBlock(int line, Expression.Call call, Macro caller) implements Node {

        @Override
        public Flow write(Bindings scope, Output output) {
            Object function = call.callee().value(scope);
            if (!(function instanceof Callable callable)) {
                throw new TemplateException("'" + PythonValues.typeName(function) + "' object is not callable");
            }
            Map<String, Object> named = call.arguments().named(scope);
            named.put("caller", caller.callable(scope));
            output.append(PythonValues.text(callable.call(call.arguments().positional(scope), named)));
            return Flow.NEXT;
        }
    }

    /** What a value is assigned to: a name, an attribute of a namespace, or several of them. */
    sealed interface Assigned {

        void assign(Object value, Bindings scope);

        record Variable(String name) implements Assigned {

            @Override
            public void assign(Object value, Bindings scope) {
                scope.set(name, value);
            }
        }

        record Member(String namespace, String name) implements Assigned {

            @Override
            public void assign(Object value, Bindings scope) {
                if (!(scope.get(namespace) instanceof Namespace target)) {
                    throw new TemplateException("cannot assign attribute on non-namespace object");
                }
                target.set(name, value);
            }
        }

        record Several(List<Assigned> targets) implements Assigned {

            @Override
            public void assign(Object value, Bindings scope) {
                List<Object> values = PythonValues.elements(value);
                if (values.size() != targets.size()) {
                    throw new TemplateException("cannot unpack " + values.size() + " values into " + targets.size() + " names");
                }
                for (int i = 0; i < targets.size(); i++) {
                    targets.get(i).assign(values.get(i), scope);
                }
            }
        }
    }
}
