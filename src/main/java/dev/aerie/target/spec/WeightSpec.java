package dev.aerie.target.spec;

import dev.aerie.torch.Tensor;

/**
 * A tensor that a model folder must hold, or some rows of one.
 *
 * @param name as in the safetensors file
 * @param rows the rows of the stored tensor that are meant; null for all
 * @param shape the shape that the configuration requires
 */
public record WeightSpec(String name, Rows rows, long... shape) {

    /** Rows from {@code first} on of a stored tensor with {@code of} rows, such as the keys in a fused qkv_proj. */
    public record Rows(long first, long of) {}

    public WeightSpec(String name, long... shape) {
        this(name, null, shape);
    }

    public WeightSpec {
        if (rows != null && (rows.first() < 0 || rows.first() + shape[0] > rows.of())) {
            throw new IllegalArgumentException("Invalid rows: " + rows.first() + " to " + (rows.first() + shape[0])
                    + " of " + name + " (expected within its " + rows.of() + ")");
        }
    }

    /** Returns the shape of the stored tensor. */
    public long[] storedShape() {
        long[] stored = shape.clone();
        if (rows != null) {
            stored[0] = rows.of();
        }
        return stored;
    }

    /** Returns the rows that are meant, as a view of the stored tensor. */
    public Tensor rowsOf(Tensor stored) {
        return rows == null ? stored : stored.narrow(0, rows.first(), shape[0]);
    }
}
