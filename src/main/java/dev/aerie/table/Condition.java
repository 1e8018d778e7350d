package dev.aerie.table;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.connector.expressions.Literal;
import org.apache.spark.sql.connector.expressions.NamedReference;
import org.apache.spark.sql.connector.expressions.filter.Predicate;

/**
 * A condition on conversations that is decided by the markers and the tokens table, so that no row of Spark's is made for
 * others.
 */
sealed interface Condition {

    boolean accepts(ListedConversation conversation);

    /** Returns whether the conversation's source must be known. */
    boolean needsSource();

    /**
     * Returns the condition that a filter of Spark's is.
     *
     * @return empty if Spark has to evaluate it
     */
    static Optional<Condition> of(Predicate filter, List<Column> columns) {
        Expression[] operands = filter.children();
        return switch (filter.name()) {
            case "AND" -> of((Predicate) operands[0], columns).flatMap(left ->
                    of((Predicate) operands[1], columns).map(right -> new Both(left, right)));
            case "=", "<", "<=", ">", ">=" -> comparison(filter.name(), operands, columns);
            case "IN" -> in(operands, columns);
            default -> Optional.empty();
        };
    }

    private static Optional<Condition> comparison(String operator, Expression[] operands, List<Column> columns) {
        if (operands[0] instanceof Literal<?>) {
            return comparison(mirrored(operator), new Expression[] {operands[1], operands[0]}, columns);
        }
        return column(operands[0], columns)
                .filter(column -> isValueOf(column, operands[1]))
                .map(column -> new Comparison(column.content(), sign(operator), (Comparable<?>) ((Literal<?>) operands[1]).value()));
    }

    private static Optional<Condition> in(Expression[] operands, List<Column> columns) {
        List<Expression> values = Arrays.asList(operands).subList(1, operands.length);
        return column(operands[0], columns)
                .filter(column -> values.stream().allMatch(value -> isValueOf(column, value)))
                .map(column -> {
                    Set<Object> wanted = new HashSet<>();
                    values.forEach(value -> wanted.add(((Literal<?>) value).value()));
                    return new In(column.content(), wanted);
                });
    }

    private static Optional<Column> column(Expression reference, List<Column> columns) {
        if (!(reference instanceof NamedReference named) || named.fieldNames().length != 1) {
            return Optional.empty();
        }
        // Spark resolves names before it pushes conditions, so they are spelled as in the schema.
        return columns.stream().filter(column -> column.name().equals(named.fieldNames()[0]))
                .filter(column -> !column.content().isOfShard() && column.content() != Content.POSITION).findFirst();
    }

    /** A comparison with null, or by another collation, is Spark's. */
    private static boolean isValueOf(Column column, Expression value) {
        return value instanceof Literal<?> literal && literal.value() != null && literal.dataType().equals(column.type());
    }

    private static String mirrored(String operator) {
        return switch (operator) {
            case "<" -> ">";
            case "<=" -> ">=";
            case ">" -> "<";
            case ">=" -> "<=";
            default -> operator;
        };
    }

    private static IntPredicate sign(String operator) {
        return switch (operator) {
            case "=" -> sign -> sign == 0;
            case "<" -> sign -> sign < 0;
            case "<=" -> sign -> sign <= 0;
            case ">" -> sign -> sign > 0;
            case ">=" -> sign -> sign >= 0;
            default -> throw new IllegalArgumentException("Invalid operator: " + operator + " (expected a comparison)");
        };
    }

    /**
     * Compares a value with a constant.
     *
     * @param sign of the comparison that is accepted
     */
    record Comparison(Content content, IntPredicate sign, Comparable<?> constant) implements Condition {

        @Override
        @SuppressWarnings("unchecked")
        public boolean accepts(ListedConversation conversation) {
            return sign.test(((Comparable<Object>) conversation.value(content)).compareTo(constant));
        }

        @Override
        public boolean needsSource() {
            return content == Content.SOURCE;
        }
    }

    record In(Content content, Set<Object> values) implements Condition {

        @Override
        public boolean accepts(ListedConversation conversation) {
            return values.contains(conversation.value(content));
        }

        @Override
        public boolean needsSource() {
            return content == Content.SOURCE;
        }
    }

    record Both(Condition left, Condition right) implements Condition {

        @Override
        public boolean accepts(ListedConversation conversation) {
            return left.accepts(conversation) && right.accepts(conversation);
        }

        @Override
        public boolean needsSource() {
            return left.needsSource() || right.needsSource();
        }
    }
}
