package dev.aerie.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An expression of a template: a tree that computes its value in a scope. */
sealed interface Expression {

    Object value(Bindings scope);

    record Constant(Object constant) implements Expression {

        @Override
        public Object value(Bindings scope) {
            return constant;
        }
    }

    record Name(String name) implements Expression {

        @Override
        public Object value(Bindings scope) {
            scope.budget().step();
            return scope.get(name);
        }
    }

    record ListOf(List<Expression> elements, boolean tuple) implements Expression {

        @Override
        public Object value(Bindings scope) {
            List<Object> values = new ArrayList<>(elements.size());
            elements.forEach(e -> values.add(e.value(scope)));
            return tuple ? new Tuple(values) : values;
        }
    }

    record MapOf(List<Expression> keys, List<Expression> values) implements Expression {

        @Override
        public Object value(Bindings scope) {
            Map<Object, Object> map = new LinkedHashMap<>();
            for (int i = 0; i < keys.size(); i++) {
                map.put(keys.get(i).value(scope), values.get(i).value(scope));
            }
            return map;
        }
    }

    /** {@code owner.name}: a method or attribute if there is one, else the item of that name. */
    record Attribute(Expression owner, String name) implements Expression {

        @Override
        public Object value(Bindings scope) {
            scope.budget().step();
            return Members.attribute(owner.value(scope), name);
        }
    }

    record Item(Expression owner, Expression key) implements Expression {

        @Override
        public Object value(Bindings scope) {
            scope.budget().step();
            return Members.item(owner.value(scope), key.value(scope));
        }
    }

    /** {@code owner[start:stop:step]}; each bound may be null. */
    record Slice(Expression owner, Expression start, Expression stop, Expression step) implements Expression {

        @Override
        public Object value(Bindings scope) {
            Object value = owner.value(scope);
            Object slice = Members.slice(value, bound(start, scope), bound(stop, scope), bound(step, scope));
            scope.budget().steps((int) PythonValues.length(slice));
            return slice;
        }

        private static Object bound(Expression expression, Bindings scope) {
            return expression == null ? null : expression.value(scope);
        }
    }

    /**
     * What a call, filter or test is given.
     *
     * @param spread      the list of {@code *list}, or null
     * @param spreadNamed the mapping of {@code **mapping}, or null
     */
    record Arguments(List<Expression> positional, Map<String, Expression> named, Expression spread, Expression spreadNamed) {

        static final Arguments NONE = new Arguments(List.of(), Map.of(), null, null);

        List<Object> positional(Bindings scope) {
            List<Object> values = new ArrayList<>(positional.size());
            positional.forEach(e -> values.add(e.value(scope)));
            if (spread != null) {
                values.addAll(PythonValues.elements(spread.value(scope)));
            }
            return values;
        }

        Map<String, Object> named(Bindings scope) {
            Map<String, Object> values = new LinkedHashMap<>();
            named.forEach((name, e) -> values.put(name, e.value(scope)));
            if (spreadNamed != null) {
                if (!(spreadNamed.value(scope) instanceof Map<?, ?> map)) {
                    throw new TemplateException("the argument after ** must be a mapping");
                }
                map.forEach((name, value) -> values.put(PythonValues.text(name), value));
            }
            return values;
        }
    }

    record Call(Expression callee, Arguments arguments) implements Expression {

        @Override
        public Object value(Bindings scope) {
            scope.budget().step();
            Object function = callee.value(scope);
            if (function instanceof Callable callable) {
                return callable.call(arguments.positional(scope), arguments.named(scope));
            }
            throw function instanceof Undefined undefined ? undefined.failure()
                    : new TemplateException("'" + PythonValues.typeName(function) + "' object is not callable");
        }
    }

    /** {@code input | name(arguments)}. */
    record Filter(Expression input, String name, Arguments arguments) implements Expression {

        @Override
        public Object value(Bindings scope) {
            scope.budget().step();
            return Filters.apply(name, input.value(scope), new Given(name, arguments.positional(scope), arguments.named(scope)));
        }
    }

    /** {@code input is name(arguments)}. */
    record Test(Expression input, String name, Arguments arguments) implements Expression {

        @Override
        public Object value(Bindings scope) {
            scope.budget().step();
            return Tests.holds(name, input.value(scope), arguments.positional(scope));
        }
    }

    record Not(Expression operand) implements Expression {

        @Override
        public Object value(Bindings scope) {
            return !PythonValues.truth(operand.value(scope));
        }
    }

    record Negative(Expression operand) implements Expression {

        @Override
        public Object value(Bindings scope) {
            return Arithmetic.negate(operand.value(scope));
        }
    }

    /** {@code and} or {@code or}: the operand that decides, not its truth. */
    record Logical(Expression left, boolean conjunction, Expression right) implements Expression {

        @Override
        public Object value(Bindings scope) {
            Object first = left.value(scope);
            return PythonValues.truth(first) == conjunction ? right.value(scope) : first;
        }
    }

    /** {@code then if condition else otherwise}; without an else, undefined. */
    record Conditional(Expression condition, Expression then, Expression otherwise) implements Expression {

        @Override
        public Object value(Bindings scope) {
            if (PythonValues.truth(condition.value(scope))) {
                return then.value(scope);
            }
            return otherwise == null ? new Undefined("the inline if-expression has no else and its condition is false")
                    : otherwise.value(scope);
        }
    }

    record Binary(String operator, Expression left, Expression right) implements Expression {

        @Override
        public Object value(Bindings scope) {
            scope.budget().step();
            Object a = left.value(scope);
            Object b = right.value(scope);
            return switch (operator) {
                case "+" -> Arithmetic.add(a, b);
                case "*" -> Arithmetic.multiply(a, b);
                case "%" -> Arithmetic.modulo(a, b);
                default -> Arithmetic.apply(operator, a, b);
            };
        }
    }

    /** {@code a ~ b ~ c}. */
    record Concatenation(List<Expression> parts) implements Expression {

        @Override
        public Object value(Bindings scope) {
            StringBuilder text = new StringBuilder();
            for (Expression part : parts) {
                text.append(PythonValues.text(part.value(scope)));
                Budget.requireLength(text.length());
            }
            return text.toString();
        }
    }

    /** {@code a < b <= c}: every neighbouring pair must hold. */
    record Comparison(Expression first, List<String> operators, List<Expression> others) implements Expression {

        @Override
        public Object value(Bindings scope) {
            scope.budget().step();
            Object left = first.value(scope);
            for (int i = 0; i < operators.size(); i++) {
                Object right = others.get(i).value(scope);
                if (!holds(operators.get(i), left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        }

        static boolean holds(String operator, Object left, Object right) {
            return switch (operator) {
                case "==" -> PythonValues.equal(left, right);
                case "!=" -> !PythonValues.equal(left, right);
                case "<" -> PythonValues.compare(left, right) < 0;
                case "<=" -> PythonValues.compare(left, right) <= 0;
                case ">" -> PythonValues.compare(left, right) > 0;
                case ">=" -> PythonValues.compare(left, right) >= 0;
                case "in" -> PythonValues.contains(right, left);
                case "not in" -> !PythonValues.contains(right, left);
                default -> throw new IllegalArgumentException(operator);
            };
        }
    }
}
