package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.layer.DecoderLayer;
import dev.aerie.target.layer.WeightLoader;
import dev.aerie.target.spec.LayerSpec;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.target.weights.StagingBuffer;
import dev.aerie.target.weights.Weights;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.StagingMemory;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * Layers that are loaded from mapped files one at a time, each prepared by a background thread while the one before it computes.
 *
 * <p>On the CPU, a weight stored in the compute type is used in place in the mapped file, whose pages are read ahead. Other
 * weights are converted into one of two staging buffers, which the layers use in turn; only quantised weights (fp8, mxfp4) are
 * dequantised into newly allocated memory. On a GPU, the background thread fills a pinned host buffer with the tensors as they
 * are stored and copies it to one of two device buffers, on another stream than the one that computes the layer before; the
 * device converts what is not in the compute type. In both cases anonymous and device memory hold two layers, whatever the depth
 * of the target, and on a GPU the converted weights of one layer beside them.
 *
 * <p>Only one forward pass uses the layers at a time and others wait: a second set of buffers would double the memory.
 */
final class StreamedLayers implements Layers {

    private final List<LayerSpec> specs;
    private final Builder builder;
    private final Weights weights;
    private final DType dtype;
    private final Device device;
    /** Pinned host memory if layers are copied to the device, else null. */
    private final StagingBuffer pinned;
    /** Buffers that layers are computed from, in turn. */
    private final List<StagingBuffer> buffers;
    private final ReentrantLock turn = new ReentrantLock();
    private final ExecutorService background = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "layers ahead");
        thread.setDaemon(true);
        return thread;
    });

    StreamedLayers(List<LayerSpec> specs, Builder builder, Weights weights, DType dtype, Device device) {
        this(specs, builder, weights, dtype, device, !device.isCpu());
    }

    /** @param copied whether layers are staged as they are stored and then copied to the device; tests do this on the CPU too */
    StreamedLayers(List<LayerSpec> specs, Builder builder, Weights weights, DType dtype, Device device, boolean copied) {
        this.specs = specs;
        this.builder = builder;
        this.weights = weights;
        this.dtype = dtype;
        this.device = device;
        long capacity = specs.stream().mapToLong(copied ? this::storedBytes : this::convertedBytes).max().orElse(0);
        this.pinned = !copied ? null : device.isCpu() ? StagingBuffer.on(device, capacity) : StagingBuffer.pinned(capacity);
        List<StagingBuffer> made = new ArrayList<>();
        try {
            made.add(StagingBuffer.on(device, capacity));
            made.add(StagingBuffer.on(device, capacity));
        } catch (RuntimeException | Error e) {
            made.forEach(StagingBuffer::close);
            if (pinned != null) {
                pinned.close();
            }
            throw e;
        }
        this.buffers = List.copyOf(made);
    }

    /** A layer whose weights have been prepared. */
    private final class Prepared implements AutoCloseable {

        private final int index;
        private final Scope scope = Scope.detached();
        /** The stored tensors on the device, if layers are copied to it. */
        private final Map<String, Tensor> stored = new HashMap<>();
        private DecoderLayer layer;

        private Prepared(int index) {
            this.index = index;
        }

        /** Prepares the next layer; runs on the background thread. */
        private Prepared prepare() {
            try (Scope preparing = Scope.open()) {
                weights.requireWhole();
                StagingBuffer buffer = buffers.get(index % buffers.size());
                buffer.reset();
                if (pinned == null) {
                    layer = build((spec, type) -> onHost(spec, type, buffer));
                } else {
                    copyTo(buffer);
                }
                return this;
            } catch (RuntimeException | Error e) {
                scope.close();
                throw e;
            }
        }

        /** Copies the stored tensors with one transfer: both buffers are cut alike. */
        private void copyTo(StagingBuffer buffer) {
            pinned.reset();
            storedNames(specs.get(index)).forEach(name -> {
                Tensor mapped = weights.stored(name);
                pinned.copyOf(mapped);
                stored.put(name, scope.adopt(buffer.cut(mapped.dtype(), mapped.shape())));
            });
            buffer.copyToDevice(pinned);
        }

        /** Finishes a prepared layer on the forward's thread. */
        private DecoderLayer arrive() {
            if (pinned != null) {
                // The layer before is computed after this, so its buffer may be written.
                StagingMemory.synchronize(device);
                layer = build((spec, type) -> weights.read(spec, this::onDevice, type, device));
            }
            return layer;
        }

        private DecoderLayer build(WeightLoader.Source source) {
            return builder.build(index, new WeightLoader(source, dtype, device, scope));
        }

        private Tensor onDevice(String name) {
            Tensor tensor = stored.get(name);
            return tensor.view(tensor.shape());
        }

        @Override
        public void close() {
            scope.close();
        }
    }

    private Tensor onHost(WeightSpec spec, DType type, StagingBuffer buffer) {
        if (weights.isMapped(spec, type)) {
            Tensor tensor = spec.rowsOf(weights.stored(spec.name()));
            StagingMemory.touch(tensor);
            return tensor;
        }
        return isStaged(spec) && type == dtype
                ? buffer.copyOf(spec.rowsOf(weights.stored(spec.name())), dtype)
                : weights.read(spec, type, device);
    }

    private boolean isStaged(WeightSpec spec) {
        return weights.isPlain(spec) && !weights.isMapped(spec, dtype);
    }

    private Stream<String> storedNames(LayerSpec layer) {
        return layer.weights().flatMap(spec -> weights.storedNames(spec).stream()).distinct();
    }

    private long storedBytes(LayerSpec layer) {
        return storedNames(layer).mapToLong(weights::storedBytes).sum();
    }

    private long convertedBytes(LayerSpec layer) {
        return layer.weights().filter(this::isStaged).mapToLong(spec -> StagingBuffer.bytes(dtype, spec.shape())).sum();
    }

    @Override
    public void forEach(Visitor visitor) {
        turn.lock();
        Future<Prepared> next = null;
        try {
            if (pinned != null) {
                // The device may still run the forward pass before this one.
                StagingMemory.synchronize(device);
            }
            next = ahead(0);
            for (int i = 0; i < specs.size(); i++) {
                Future<Prepared> coming = next;
                next = null;
                try (Prepared now = await(coming, i)) {
                    DecoderLayer layer = now.arrive();
                    next = i + 1 < specs.size() ? ahead(i + 1) : null;
                    visitor.visit(i, layer);
                }
            }
        } finally {
            if (next != null) {
                discard(next);
            }
            turn.unlock();
        }
    }

    private Future<Prepared> ahead(int index) {
        return background.submit(() -> new Prepared(index).prepare());
    }

    private static Prepared await(Future<Prepared> layer, int index) {
        try {
            return layer.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            discard(layer);
            throw new IllegalStateException("Interrupted while layer " + index + " of the target was brought in", e);
        } catch (ExecutionException e) {
            String message = "Layer " + index + " of the target could not be brought in: " + e.getCause().getMessage();
            throw e.getCause() instanceof RefusalException
                    ? new RefusalException(message, e.getCause())
                    : new IllegalStateException(message, e.getCause());
        }
    }

    /** Waits for a layer that is no longer needed: its buffer must not be written once another forward pass uses it. */
    private static void discard(Future<Prepared> layer) {
        boolean interrupted = false;
        while (true) {
            try {
                layer.get().close();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                // The failure that led here is the one to report, and this layer has freed its memory.
                break;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        turn.lock();
        try {
            background.shutdown();
            buffers.forEach(StagingBuffer::close);
            if (pinned != null) {
                pinned.close();
            }
        } finally {
            turn.unlock();
        }
    }
}
