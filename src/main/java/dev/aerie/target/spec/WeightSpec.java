package dev.aerie.target.spec;

import dev.aerie.torch.Tensor;

/**
 * A tensor that a model folder must hold, or some rows of one.
 *
 * @param name as in the safetensors file
 * @param rows which rows of the stored tensor, null for all
 * @param shape what the configuration says it must be
 */
public record WeightSpec(String name, Rows rows, long... shape) {

    /** Rows from {@code first} on of a stored tensor that has {@code of} of them, such as the keys in a fused qkv_proj. */
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

    /** What lies in the file. */
    public long[] storedShape() {
        long[] stored = shape.clone();
        if (rows != null) {
            stored[0] = rows.of();
        }
        return stored;
    }

    /** What is meant of the stored tensor, sharing its memory. */
    public Tensor rowsOf(Tensor stored) {
        return rows == null ? stored : stored.narrow(0, rows.first(), shape[0]);
    }
}
