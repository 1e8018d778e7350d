package dev.aerie.gang;

import dev.aerie.torch.Tensor;

/**
 * Operations that the ranks of a gang perform together. Every rank calls the same methods in the same order with equal counts; a
 * call returns when this rank's part is complete.
 *
 * <p>Sums are deterministic: for one number of ranks, the terms of an element are added in one fixed order, and every rank gets
 * the same bits, whatever the device of the tensors. Every wait has a deadline. After a failure the collective is closed, so that
 * the neighbours fail too instead of waiting; it cannot be used again.
 *
 * <p>Tensors are one-dimensional, contiguous, float32, of any length; on CUDA they are staged through host memory.
 * All methods throw {@link CollectiveException} when a peer is lost, late or out of step.
 */
public interface Collective extends AutoCloseable {

    int rank();

    int size();

    /** Returns the part of a flat buffer of {@code count} elements that {@link #reduceScatter} leaves with a rank. */
    default Slice slice(long count, int rank) {
        // The same in every implementation: checkpoints and tests rely on slices being ordered and without gaps.
        long start = Math.multiplyExact(count, rank) / size();
        return new Slice(start, Math.multiplyExact(count, rank + 1) / size() - start);
    }

    default Slice slice(long count) {
        return slice(count, rank());
    }

    /** Sums over the ranks, in place. */
    default void allReduce(Tensor flat) {
        reduceScatter(flat);
        allGather(flat);
    }

    /** Sums this rank's {@link #slice} over the ranks, in place; the rest of the tensor holds partial sums afterwards. */
    void reduceScatter(Tensor flat);

    /** Fills the tensor with every rank's slice; only this rank's slice is read. */
    void allGather(Tensor flat);

    /** Copies the root's tensor to every rank. */
    void broadcast(Tensor flat, int root);

    /** Sums over the ranks, in place; meant for a handful of values. */
    void allReduce(double[] values);

    /** Sums over the ranks, in place; meant for a handful of values. */
    void allReduce(long[] values);

    /** Waits until every rank has called it. */
    default void barrier() {
        allReduce(new long[1]);
    }

    /** Closes the connections at once, so that every other rank fails. May be called from another thread. */
    void abort();

    /** Closes the connections. */
    @Override
    void close();
}
