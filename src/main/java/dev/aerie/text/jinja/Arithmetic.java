package dev.aerie.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** The arithmetic operators. Integers are exact; results longer than a text may be are refused. */
final class Arithmetic {

    private static final BigInteger LONG_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);
    private static final int MAX_BITS = 1 << 16;

    private Arithmetic() {}

    static Object add(Object left, Object right) {
        if (left instanceof Markup && right instanceof String || right instanceof Markup && left instanceof String
                || left instanceof Markup && right instanceof Markup) {
            return Markup.sum(left, right);
        }
        if (left instanceof String a && right instanceof String b) {
            Budget.requireLength((long) a.length() + b.length());
            return a.concat(b);
        }
        if (left instanceof List<?> a && right instanceof List<?> b && left instanceof Tuple == right instanceof Tuple) {
            Budget.requireLength((long) a.size() + b.size());
            List<Object> sum = new ArrayList<>(a);
            sum.addAll(b);
            return left instanceof Tuple ? new Tuple(sum) : sum;
        }
        return apply("+", left, right);
    }

    static Object multiply(Object one, Object other) {
        Object left = Markup.plain(one);
        Object right = Markup.plain(other);
        if (right instanceof String || right instanceof List) {
            return left instanceof Long ? multiply(right, left) : apply("*", left, right);
        }
        if (left instanceof String text && right instanceof Long count) {
            int times = times(text.length(), count);
            return text.repeat(times);
        }
        if (left instanceof List<?> list && right instanceof Long count) {
            List<Object> product = new ArrayList<>();
            for (int i = times(list.size(), count); i > 0; i--) {
                product.addAll(list);
            }
            return product;
        }
        return apply("*", left, right);
    }

    private static int times(int length, long count) {
        long times = Math.max(0, Math.min(count, Integer.MAX_VALUE));
        Budget.requireLength(times * Math.max(1, length));
        return (int) times;
    }

    static Object modulo(Object dividend, Object right) {
        Object left = Markup.plain(dividend);
        return left instanceof String format ? StringFormat.percent(format, right) : apply("%", left, right);
    }

    static Object apply(String operator, Object left, Object right) {
        Object a = number(operator, left, right, left);
        Object b = number(operator, left, right, right);
        if (operator.equals("/")) {
            return ((Number) a).doubleValue() / nonZero(((Number) b).doubleValue());
        }
        if (a instanceof Double || b instanceof Double || operator.equals("**") && PythonValues.integer(b).signum() < 0) {
            return real(operator, ((Number) a).doubleValue(), ((Number) b).doubleValue());
        }
        return integer(operator, PythonValues.integer(a), PythonValues.integer(b));
    }

    private static Object number(String operator, Object left, Object right, Object operand) {
        if (operand instanceof Number) {
            return operand;
        }
        if (operand instanceof Boolean b) {
            return b ? 1L : 0L;
        }
        if (left instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.failure();
        }
        throw new TemplateException("unsupported operand types for " + operator + ": '" + PythonValues.typeName(left) + "' and '"
                + PythonValues.typeName(right) + "'");
    }

    private static double nonZero(double divisor) {
        if (divisor == 0) {
            throw new TemplateException("division by zero");
        }
        return divisor;
    }

    private static Object real(String operator, double a, double b) {
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "//" -> Math.floor(a / nonZero(b));
            case "%" -> a - nonZero(b) * Math.floor(a / b);
            case "**" -> Math.pow(a, b);
            default -> throw new IllegalArgumentException(operator);
        };
    }

    private static Object integer(String operator, BigInteger a, BigInteger b) {
        return narrowed(switch (operator) {
            case "+" -> a.add(b);
            case "-" -> a.subtract(b);
            case "*" -> a.multiply(b);
            case "//" -> floorDivision(a, b)[0];
            case "%" -> floorDivision(a, b)[1];
            case "**" -> power(a, b);
            default -> throw new IllegalArgumentException(operator);
        });
    }

    private static BigInteger[] floorDivision(BigInteger a, BigInteger b) {
        nonZero(b.signum());
        BigInteger[] both = a.divideAndRemainder(b);
        if (both[1].signum() != 0 && both[1].signum() != b.signum()) {
            return new BigInteger[] {both[0].subtract(BigInteger.ONE), both[1].add(b)};
        }
        return both;
    }

    private static BigInteger power(BigInteger a, BigInteger b) {
        if (b.bitLength() > 31 || b.longValue() * a.bitLength() > MAX_BITS) {
            throw new TemplateException("the power " + a + " ** " + b + " is too large");
        }
        return a.pow(b.intValue());
    }

    static Object narrowed(BigInteger value) {
        if (value.bitLength() > MAX_BITS) {
            throw new TemplateException("an integer of more than " + MAX_BITS + " bits is too large");
        }
        return value.compareTo(LONG_MIN) >= 0 && value.compareTo(LONG_MAX) <= 0 ? (Object) value.longValue() : value;
    }

    static Object negate(Object value) {
        return value instanceof Double d ? (Object) (-d) : apply("-", 0L, value);
    }

    /** Returns the {@code sum} filter's start and its elements. */
    static Object sum(List<Object> values, Object start) {
        Object total = start;
        for (Object value : values) {
            total = add(total, value);
        }
        return total;
    }

    static Object absolute(Object value) {
        return PythonValues.compare(value, 0L) < 0 ? negate(value) : value;
    }
}
