package dev.aerie.spark;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The parts of a model that hold native memory. Each part is added as soon as it is open, so that a load that fails half-way
 * leaves nothing open.
 */
public final class ModelParts {

    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    ModelParts() {}

    /** Takes over a part: it is closed with the model, after the parts that were added later. */
    public <P extends AutoCloseable> P add(P part) {
        open.push(part);
        return part;
    }

    /** Closes all parts, even if some of them fail to close. */
    void close() {
        RuntimeException failure = null;
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception e) {
                if (failure == null) {
                    failure = new IllegalStateException("Closing a model failed: " + e.getMessage(), e);
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** Closes all parts of a load that failed; what fails here is noted with the cause and does not hide it. */
    void close(Throwable cause) {
        try {
            close();
        } catch (RuntimeException e) {
            cause.addSuppressed(e);
        }
    }
}
