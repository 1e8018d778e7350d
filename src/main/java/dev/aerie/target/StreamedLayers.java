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
 * Layers that come from mapped files one at a time, each prepared by a background thread while the one before it computes.
 *
 * <p>On the CPU a weight that is stored in the type computed in is the mapped file itself, its pages read ahead; any other is
 * converted into one of two staging buffers, which the layers use in turn; only codes (fp8, mxfp4) are dequantised into memory of
 * their own. On a GPU the background thread fills a pinned buffer of the host with the tensors as they are stored, and copies it to
 * one of two buffers of the device in a stream beside the one that the layer before computes in; the device converts what is not in
 * the type computed in. Either way there are two layers in anonymous and device memory, whatever the depth; beside them on a GPU what
 * one layer is converted to.
 *
 * <p>One forward has the layers at a time, others wait: a second set of buffers would let them run at once and double the memory.
 */
final class StreamedLayers implements Layers {

    private final List<LayerSpec> specs;
    private final Builder builder;
    private final Weights weights;
    private final DType dtype;
    private final Device device;
    /** Of the host, where layers are copied to the device; null where they are not. */
    private final StagingBuffer pinned;
    /** What layers are computed from, in turn. */
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

    /** @param copied whether layers are staged as they are stored and copied to the device: also on the CPU in tests */
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

    /** A layer whose weights are there. */
    private final class Prepared implements AutoCloseable {

        private final int index;
        private final Scope scope = Scope.detached();
        /** On the device as they are stored, where layers are copied to it. */
        private final Map<String, Tensor> stored = new HashMap<>();
        private DecoderLayer layer;

        private Prepared(int index) {
            this.index = index;
        }

        /** What the background thread does. */
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

        /** The same cuts in both buffers, so that one copy brings all of them. */
        private void copyTo(StagingBuffer buffer) {
            pinned.reset();
            storedNames(specs.get(index)).forEach(name -> {
                Tensor mapped = weights.stored(name);
                pinned.copyOf(mapped);
                stored.put(name, scope.adopt(buffer.cut(mapped.dtype(), mapped.shape())));
            });
            buffer.copyBeside(pinned);
        }

        /** What the forward's thread does when it is this layer's turn. */
        private DecoderLayer arrive() {
            if (pinned != null) {
                // The layer before has been computed with then, and its buffer may be written.
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
                // A forward before this one may not have finished on the device.
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

    /** Waits for a layer that nobody wants any more: its buffer must not be written once another forward has it. */
    private static void discard(Future<Prepared> layer) {
        boolean interrupted = false;
        while (true) {
            try {
                layer.get().close();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                // The failure that brought us here is the one to tell of, and this layer has freed what it had.
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
