package dev.aerie.text.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The tests, which follow {@code is}. */
final class Tests {

    private static final Set<String> NAMES = Set.of("defined", "undefined", "none", "boolean", "true", "false", "integer",
            "float", "number", "string", "mapping", "sequence", "iterable", "callable", "odd", "even", "divisibleby", "upper",
            "lower", "sameas", "eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">",
            "ge", ">=", "in", "filter", "test", "escaped");

    private Tests() {}

    static boolean known(String name) {
        return NAMES.contains(name);
    }

    static boolean holds(String name, Object tested, List<Object> arguments) {
        Object value = Markup.plain(tested);
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == null;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "integer" -> PythonValues.isInteger(value);
            case "float" -> value instanceof Double;
            case "number" -> value instanceof Number || value instanceof Boolean;
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map;
            case "sequence" -> PythonValues.sequence(value);
            case "iterable" -> PythonValues.iterable(value);
            case "callable" -> value instanceof Callable;
            case "odd" -> PythonValues.equal(Arithmetic.apply("%", value, 2L), 1L);
            case "even" -> PythonValues.equal(Arithmetic.apply("%", value, 2L), 0L);
            case "divisibleby" -> PythonValues.equal(Arithmetic.apply("%", value, argument(name, arguments)), 0L);
            case "upper" -> cased(PythonValues.text(value), true);
            case "lower" -> cased(PythonValues.text(value), false);
            case "sameas" -> same(value, argument(name, arguments));
            case "in" -> PythonValues.contains(argument(name, arguments), value);
            case "filter" -> value instanceof String filter && Filters.known(filter);
            case "test" -> value instanceof String test && known(test);
            case "escaped" -> tested instanceof Markup;
            default -> Expression.Comparison.holds(operator(name), value, argument(name, arguments));
        };
    }

    private static String operator(String name) {
        return switch (name) {
            case "eq", "equalto", "==" -> "==";
            case "ne", "!=" -> "!=";
            case "lt", "lessthan", "<" -> "<";
            case "le", "<=" -> "<=";
            case "gt", "greaterthan", ">" -> ">";
            case "ge", ">=" -> ">=";
            default -> throw new TemplateException("there is no test '" + name + "'");
        };
    }

    private static Object argument(String name, List<Object> arguments) {
        if (arguments.isEmpty()) {
            throw new TemplateException("the test '" + name + "' needs an operand");
        }
        return arguments.get(0);
    }

    private static boolean cased(String text, boolean upper) {
        return !text.toLowerCase(Locale.ROOT).equals(text.toUpperCase(Locale.ROOT))
                && text.equals(upper ? text.toUpperCase(Locale.ROOT) : text.toLowerCase(Locale.ROOT));
    }

    /** Python's {@code is}: constants and small values are the same object, containers only themselves. */
    private static boolean same(Object a, Object b) {
        return a == b || a != null && !(a instanceof java.util.Collection) && !(a instanceof Map) && b != null
                && a.getClass() == b.getClass() && a.equals(b);
    }
}
