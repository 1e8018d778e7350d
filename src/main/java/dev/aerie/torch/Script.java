package dev.aerie.torch;

import ai.djl.pytorch.jni.ScriptBridge;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The loaded module of our operators, and the way to call its methods.
 *
 * <p>Every operator of this package is one method in one of the {@link #SOURCES}. Arguments may be a {@link Tensor}, null
 * (None), a list of tensors, int, long, double, boolean, String or long[]; results are tensors in the innermost scope, or
 * plain numbers.
 */
final class Script {

    /** Source files beside this class in the resources; together they are the body of one TorchScript class. */
    private static final List<String> SOURCES = List.of(
            "tensor", "mapping", "staging", "copy_default_stream", "nn", "moe", "moe_loop", "attention", "gradients", "flash",
            "ttt", "loss", "finite", "optimizer", "quantised", "latent", "delta");

    private static final long MODULE;
    private static final long NONE;

    static {
        LibTorch.load();
        MODULE = load(SOURCES);
        threadReady();
        NONE = ScriptBridge.run(MODULE, "none", new long[0]);
    }

    /**
     * Alternative sources of operators, each replacing a source that every libtorch can compile. They are compiled at first use,
     * because a source that names an operator that libtorch lacks does not compile at all.
     */
    enum Variant {
        /** The products of all experts in one launch: libtorch 2.8 and later. */
        GROUPED("moe_loop", "moe_grouped"),
        /** Copies on a side stream: CUDA builds. */
        STREAMS("copy_default_stream", "copy_side_stream");

        private static final long UNKNOWN = -1;

        private final String everywhere;
        private final String source;
        private long module = UNKNOWN;

        Variant(String everywhere, String source) {
            this.everywhere = everywhere;
            this.source = source;
        }

        /** Returns the compiled module; 0 if it does not compile. */
        private synchronized long module() {
            if (module == UNKNOWN) {
                try {
                    module = load(SOURCES.stream().map(s -> s.equals(everywhere) ? source : s).toList());
                } catch (ai.djl.engine.EngineException e) {
                    module = 0;
                }
            }
            return module;
        }
    }

    /** libtorch keeps these settings per thread; they are applied to each thread before its first call. */
    private static final ThreadLocal<Boolean> THREAD = ThreadLocal.withInitial(() -> {
        threadReady();
        return true;
    });

    private Script() {}

    private static void threadReady() {
        // The profiling executor recompiles the first runs (0.2 s each) and on a GPU fuses through NVRTC; results are equal.
        ScriptBridge.setGraphExecutorOptimize(false);
        // New threads start with gradients on; only code that uses autograd turns them on.
        ScriptBridge.setGradMode(false);
    }

    /** Makes sure that libtorch is loaded and this thread is set up. */
    static void ready() {
        THREAD.get();
    }

    static Tensor tensor(String method, Object... arguments) {
        return owned(run(method, arguments));
    }

    private static Tensor owned(long value) {
        try {
            return Tensor.of(ScriptBridge.toTensor(value));
        } finally {
            ScriptBridge.freeValue(value);
        }
    }

    /**
     * Loads operators that do not belong to the product into a separate module. Their source files are resources beside this
     * class, in any jar.
     *
     * @return the module, which lives as long as this class
     */
    static long module(String... sources) {
        ready();
        return load(List.of(sources));
    }

    /** Runs a method of another {@link #module} like {@link #tensor(String, Object...)}. */
    static Tensor tensor(long module, String method, Object... arguments) {
        return owned(run(module, method, arguments));
    }

    /** Runs a method of another {@link #module} like {@link #tensors(String, Object...)}. */
    static Tensor[] tensors(long module, String method, Object... arguments) {
        return tensors(run(module, method, arguments));
    }

    /** Returns whether libtorch compiles the variant. */
    static boolean has(Variant variant) {
        ready();
        return variant.module() != 0;
    }

    /** Runs a method of a variant, which must {@link #has exist}, like {@link #tensor(String, Object...)}. */
    static Tensor tensor(Variant variant, String method, Object... arguments) {
        return owned(run(variant.module(), method, arguments));
    }

    /** Runs a method that returns a tuple or list of tensors; None becomes null. */
    static Tensor[] tensors(String method, Object... arguments) {
        return tensors(run(method, arguments));
    }

    private static Tensor[] tensors(long value) {
        try {
            if (ScriptBridge.isTensorList(value)) {
                long[] handles = ScriptBridge.toTensorList(value);
                Tensor[] out = new Tensor[handles.length];
                for (int i = 0; i < out.length; i++) {
                    out[i] = Tensor.of(handles[i]);
                }
                return out;
            }
            long[] parts = ScriptBridge.isTuple(value) ? ScriptBridge.toTuple(value) : ScriptBridge.toList(value);
            Tensor[] out = new Tensor[parts.length];
            for (int i = 0; i < out.length; i++) {
                out[i] = ScriptBridge.isTensor(parts[i]) ? Tensor.of(ScriptBridge.toTensor(parts[i])) : null;
                ScriptBridge.freeValue(parts[i]);
            }
            return out;
        } finally {
            ScriptBridge.freeValue(value);
        }
    }

    static void nothing(String method, Object... arguments) {
        ScriptBridge.freeValue(run(method, arguments));
    }

    /** Runs a method of a variant, which must {@link #has exist}, like {@link #nothing(String, Object...)}. */
    static void nothing(Variant variant, String method, Object... arguments) {
        ScriptBridge.freeValue(run(variant.module(), method, arguments));
    }

    static long integer(String method, Object... arguments) {
        long value = run(method, arguments);
        try {
            return ScriptBridge.toLong(value);
        } finally {
            ScriptBridge.freeValue(value);
        }
    }

    static double number(String method, Object... arguments) {
        long value = run(method, arguments);
        try {
            return ScriptBridge.toDouble(value);
        } finally {
            ScriptBridge.freeValue(value);
        }
    }

    static boolean flag(String method, Object... arguments) {
        long value = run(method, arguments);
        try {
            return ScriptBridge.toBoolean(value);
        } finally {
            ScriptBridge.freeValue(value);
        }
    }

    private static long run(String method, Object... arguments) {
        return run(MODULE, method, arguments);
    }

    private static long run(long module, String method, Object... arguments) {
        ready();
        long[] values = new long[arguments.length];
        int made = 0;
        try {
            for (; made < values.length; made++) {
                values[made] = value(arguments[made]);
            }
            return ScriptBridge.run(module, method, values);
        } catch (ai.djl.engine.EngineException e) {
            throw new TorchException(method, arguments, e);
        } finally {
            // A value that is not freed keeps its tensor alive for ever.
            for (int i = 0; i < made; i++) {
                if (values[i] != NONE) {
                    ScriptBridge.freeValue(values[i]);
                }
            }
        }
    }

    private static long value(Object x) {
        if (x == null) {
            return NONE;
        }
        if (x instanceof Tensor t) {
            return ScriptBridge.tensorValue(t.handle());
        }
        if (x instanceof Long n) {
            return ScriptBridge.value(n.longValue());
        }
        if (x instanceof Integer n) {
            return ScriptBridge.value(n.longValue());
        }
        if (x instanceof Double n) {
            return ScriptBridge.value(n.doubleValue());
        }
        if (x instanceof Boolean b) {
            return ScriptBridge.value(b.booleanValue());
        }
        if (x instanceof String s) {
            return ScriptBridge.value(s);
        }
        if (x instanceof long[] n) {
            return ScriptBridge.value(n);
        }
        if (x instanceof double[] n) {
            return ScriptBridge.value(n);
        }
        if (x instanceof List<?> list) {
            return ScriptBridge.tensorListValue(
                    list.stream().mapToLong(t -> ((Tensor) t).handle()).toArray());
        }
        throw new IllegalArgumentException("Invalid operator argument: " + x.getClass()
                + " (expected tensor, list of tensors, number, boolean, string or long[])");
    }

    private static long load(List<String> sources) {
        StringBuilder body = new StringBuilder();
        for (String source : sources) {
            try (InputStream in = Script.class.getResourceAsStream(source + ".py")) {
                if (in == null) {
                    throw new IllegalStateException("The operator source " + source + ".py is missing from the jar");
                }
                body.append(new String(in.readAllBytes(), StandardCharsets.UTF_8)).append('\n');
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        try {
            return ScriptBridge.load(new ByteArrayInputStream(ScriptArchive.of(body.toString())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
