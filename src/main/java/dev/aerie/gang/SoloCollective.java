package dev.aerie.gang;

import dev.aerie.torch.Tensor;

/** The collectives of a single rank, which has nothing to exchange. */
public final class SoloCollective implements Collective {

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return 1;
    }

    @Override
    public void reduceScatter(Tensor flat) {
        FlatTensors.check(flat);
    }

    @Override
    public void allGather(Tensor flat) {
        FlatTensors.check(flat);
    }

    @Override
    public void broadcast(Tensor flat, int root) {
        FlatTensors.check(flat);
    }

    @Override
    public void allReduce(double[] values) {}

    @Override
    public void allReduce(long[] values) {}

    @Override
    public void abort() {}

    @Override
    public void close() {}
}
