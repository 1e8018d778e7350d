package dev.aerie.target;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.StagingMemory;
import dev.aerie.torch.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Layers that come from mapped files one at a time, each prepared by a background thread while the one before it computes.
 *
 * <p>On the CPU a weight that is stored in the type computed in is the mapped file itself, its pages read ahead; any other is
 * converted into one of two staging buffers, which the layers use in turn; only codes (fp8, mxfp4) are dequantised into memory of
 * their own. On a GPU the background thread fills one pinned buffer of the host with the tensors as they are stored; copies that
 * do not wait bring them to the device, which converts them. Copies and kernels are in the device's default stream, so the copies
 * begin when the layer before has finished there, and its memory is free by then. Either way there are two layers in anonymous
 * and device memory, whatever the depth.
 *
 * <p>One forward has the layers at a time, others wait: a second set of buffers would let them run at once and double the memory.
 */
final class StreamedLayers implements Layers {

    private final List<LayerSpec> specs;
    private final Builder builder;
    private final Weights weights;
    private final DType dtype;
    private final Device device;
    private final boolean copied;
    private final StagingBuffer[] buffers;
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
        this.copied = copied;
        long capacity = specs.stream().mapToLong(this::bytesToStage).max().orElse(0);
        this.buffers = copied
                ? new StagingBuffer[] {new StagingBuffer(capacity, !device.isCpu())}
                : new StagingBuffer[] {new StagingBuffer(capacity, false), new StagingBuffer(capacity, false)};
    }

    /** A layer whose weights are on the host. */
    private final class Prepared implements AutoCloseable {

        private final int index;
        private final Scope scope = Scope.detached();
        private final Map<String, Tensor> pinned = new HashMap<>();
        /** Tensors of which several weights are rows come to the device once. */
        private final Map<String, Tensor> fused = new HashMap<>();
        private DecoderLayer layer;

        private Prepared(int index) {
            this.index = index;
        }

        /** What the background thread does. */
        private Prepared prepare() {
            try (Scope preparing = Scope.open()) {
                weights.requireWhole();
                StagingBuffer buffer = buffers[index % buffers.length];
                buffer.reset();
                if (copied) {
                    specs.get(index).weights().flatMap(spec -> weights.storedNames(spec).stream()).distinct().forEach(name ->
                            pinned.put(name, scope.adopt(buffer.copyOf(weights.stored(name)))));
                } else {
                    layer = build((spec, type) -> onHost(spec, type, buffer));
                }
                return this;
            } catch (RuntimeException | Error e) {
                scope.close();
                throw e;
            }
        }

        /** What the forward's thread does once the layer before is through. */
        private DecoderLayer arrive() {
            if (copied) {
                layer = build((spec, type) ->
                        weights.read(spec, spec.rows() == null ? this::onDevice : this::fused, type, device));
                // The pinned memory is written again as soon as this returns.
                StagingMemory.synchronize(device);
            }
            return layer;
        }

        private DecoderLayer build(WeightLoader.Source source) {
            return builder.build(index, new WeightLoader(source, dtype, device, scope));
        }

        private Tensor fused(String name) {
            return fused.computeIfAbsent(name, n -> scope.adopt(onDevice(n)));
        }

        private Tensor onDevice(String name) {
            Tensor staged = pinned.get(name);
            return staged == null ? weights.stored(name).to(device) : StagingMemory.toAsync(staged, device);
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

    private long bytesToStage(LayerSpec layer) {
        return copied
                ? layer.weights().flatMap(spec -> weights.storedNames(spec).stream()).distinct()
                        .mapToLong(weights::storedBytes).sum()
                : layer.weights().filter(this::isStaged).mapToLong(spec -> StagingBuffer.bytes(dtype, spec.shape())).sum();
    }

    @Override
    public void forEach(Visitor visitor) {
        turn.lock();
        Future<Prepared> next = null;
        try {
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
            throw e.getCause() instanceof InvalidModelException
                    ? new InvalidModelException(message, e.getCause())
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
            for (StagingBuffer buffer : buffers) {
                buffer.close();
            }
        } finally {
            turn.unlock();
        }
    }
}
