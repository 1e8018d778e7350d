package dev.aerie.torch;

import ai.djl.pytorch.jni.ScriptBridge;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.List;

/**
 * A tensor of libtorch: a handle to native memory that a {@link Scope} owns.
 *
 * <p>Methods that return a tensor return a new handle in the innermost open scope; {@code view}, {@code narrow}, {@code
 * transpose} and {@code expand} share memory with this one. Methods whose name ends with an underscore change the tensor in
 * place, as in torch. Not thread-safe while it is being changed.
 */
public final class Tensor implements AutoCloseable {

    private static final Object GENERATOR = new Object();

    private long handle;
    private Scope owner;
    private long[] shape;
    private DType dtype;

    private Tensor(long handle, Scope owner) {
        this.handle = handle;
        this.owner = owner;
        owner.register(this);
        Scope.born();
    }

    /** Wraps a handle that libtorch returned, in the innermost scope. */
    static Tensor of(long handle) {
        return new Tensor(handle, Scope.innermost());
    }

    // ---- making ----

    /** Creates a float32 tensor on the CPU. */
    public static Tensor of(float[] values, long... shape) {
        return filled(DType.F32, values.length, shape, memory -> memory.asFloatBuffer().put(values));
    }

    /** Creates an int64 tensor on the CPU. */
    public static Tensor of(long[] values, long... shape) {
        return filled(DType.I64, values.length, shape, memory -> memory.asLongBuffer().put(values));
    }

    /** Creates a bool tensor on the CPU. */
    public static Tensor of(boolean[] values, long... shape) {
        return filled(DType.BOOL, values.length, shape, memory -> {
            for (boolean value : values) {
                memory.put((byte) (value ? 1 : 0));
            }
        });
    }

    /** Creates a tensor on the CPU from the result of {@link #toBytes}. */
    public static Tensor ofBytes(byte[] bytes, DType dtype, long... shape) {
        if (bytes.length % dtype.bytes() != 0) {
            throw new IllegalArgumentException(
                    "Invalid bytes: " + bytes.length + " (expected a multiple of " + dtype.bytes() + ")");
        }
        return filled(dtype, bytes.length / dtype.bytes(), shape, memory -> memory.put(bytes));
    }

    /**
     * Creates a tensor and writes into its memory. A direct buffer between would be freed only when the heap is next collected,
     * which is late if the heap has gigabytes: training grew by 27 kB per step.
     */
    private static Tensor filled(DType dtype, int values, long[] shape, Consumer<ByteBuffer> writer) {
        if (count(shape) != values) {
            throw new IllegalArgumentException("Invalid values: " + values + " of them (expected " + count(shape) + " for "
                    + dtype
                    + Arrays.toString(shape) + ")");
        }
        Tensor tensor = uninitialized(dtype, shape);
        if (values > 0) {
            writer.accept(ScriptBridge.memoryOf(tensor.handle()).order(ByteOrder.nativeOrder()));
        }
        return tensor;
    }

    public static Tensor zeros(DType dtype, Device device, long... shape) {
        return Script.tensor("zeros", shape, dtype.code(), device.toString());
    }

    /** Creates a tensor on the CPU whose elements are whatever its memory holds: for callers that write every one of them. */
    public static Tensor uninitialized(DType dtype, long... shape) {
        return Script.tensor("empty", shape, dtype.code());
    }

    public static Tensor full(double value, DType dtype, Device device, long... shape) {
        return Script.tensor("full", shape, value, dtype.code(), device.toString());
    }

    /** Creates a float32 tensor on the CPU, normally distributed; a seed gives the same values with one build of libtorch. */
    public static Tensor randomNormal(long seed, double std, long... shape) {
        // The operator seeds libtorch's one generator and then draws from it: two threads at once, such as two ranks of a local
        // master, would draw from each other's seeds.
        synchronized (GENERATOR) {
            return Script.tensor("random_normal", seed, std, shape);
        }
    }

    // ---- asking ----

    public long[] shape() {
        if (shape == null) {
            shape = ScriptBridge.shape(handle());
        }
        return shape.clone();
    }

    /** Returns the size along a dimension; negative counts from the end. */
    public long size(int dim) {
        long[] s = shape();
        return s[dim < 0 ? dim + s.length : dim];
    }

    public int rank() {
        return shape().length;
    }

    public long count() {
        return count(shape());
    }

    public DType dtype() {
        if (dtype == null) {
            dtype = DType.ofCode(Script.integer("dtype", this));
        }
        return dtype;
    }

    public Device device() {
        long index = Script.integer("cuda_index", this);
        return index < 0 ? Device.CPU : Device.cuda((int) index);
    }

    // ---- views ----

    public Tensor view(long... shape) {
        return Script.tensor("view", this, shape);
    }

    public Tensor narrow(int dim, long start, long length) {
        return Script.tensor("narrow", this, dim, start, length);
    }

    public Tensor transpose(int a, int b) {
        return Script.tensor("transpose", this, a, b);
    }

    public Tensor contiguous() {
        return Script.tensor("contiguous", this);
    }

    /** Returns the same memory without its history in autograd. */
    public Tensor detach() {
        return Script.tensor("detach", this);
    }

    // ---- copies ----

    public Tensor copy() {
        return Script.tensor("clone", this);
    }

    /** Returns this tensor if it has the type, else a converted copy; recorded by autograd. */
    public Tensor to(DType dtype) {
        return Script.tensor("to_dtype", this, dtype.code());
    }

    /** Returns this tensor if it is on the device, else a copy; recorded by autograd. */
    public Tensor to(Device device) {
        return Script.tensor("to_device", this, device.toString());
    }

    /** Returns the rows (dimension 0) that an int64 index on the same device names. */
    public Tensor rows(Tensor index) {
        return Script.tensor("index_select", this, 0L, index);
    }

    public static Tensor cat(int dim, List<Tensor> tensors) {
        return Script.tensor("cat", tensors, dim);
    }

    // ---- arithmetic ----

    public Tensor add(Tensor other) {
        return Script.tensor("add", this, other);
    }

    public Tensor sub(Tensor other) {
        return Script.tensor("sub", this, other);
    }

    public Tensor mul(Tensor other) {
        return Script.tensor("mul", this, other);
    }

    public Tensor mul(double factor) {
        return Script.tensor("scale", this, factor);
    }

    public Tensor sum() {
        return Script.tensor("sum", this);
    }

    /** Returns int64 positions of the largest elements along the last dimension, the first of equal ones. */
    public Tensor argmax() {
        return Script.tensor("argmax", this);
    }

    // ---- in place ----

    public Tensor copy_(Tensor source) {
        Script.nothing("copy_", this, source);
        return this;
    }

    public Tensor add_(Tensor other) {
        Script.nothing("add_", this, other);
        return this;
    }

    /**
     * Adds the source's rows to this tensor's rows that an int64 index names; rows may be named repeatedly. On CUDA, additions to
     * one row have no fixed order, so the sum may differ in its last bits from call to call.
     */
    public Tensor addRows_(Tensor index, Tensor source) {
        Script.nothing("add_rows_", this, index, source);
        return this;
    }

    public Tensor mul_(double factor) {
        Script.nothing("scale_", this, factor);
        return this;
    }

    public Tensor zero_() {
        Script.nothing("zero_", this);
        return this;
    }

    // ---- reading ----

    /** Returns the elements as float32, in row-major order, whatever their type and device. */
    public float[] toFloats() {
        float[] out = new float[Math.toIntExact(count())];
        read(DType.F32, b -> b.asFloatBuffer().get(out));
        return out;
    }

    public double[] toDoubles() {
        double[] out = new double[Math.toIntExact(count())];
        read(DType.F64, b -> b.asDoubleBuffer().get(out));
        return out;
    }

    public long[] toLongs() {
        long[] out = new long[Math.toIntExact(count())];
        read(DType.I64, b -> b.asLongBuffer().get(out));
        return out;
    }

    /** Returns the bytes of the elements unchanged, row-major, native byte order. */
    public byte[] toBytes() {
        byte[] out = new byte[Math.toIntExact(count() * dtype().bytes())];
        read(dtype(), b -> b.get(out));
        return out;
    }

    /** Returns the only element, as a double. */
    public double item() {
        return Script.number("item", this);
    }

    /**
     * Returns the tensor's memory without a copy, for collectives and files.
     *
     * @return direct, native byte order, valid while this tensor is open
     * @throws IllegalStateException unless the tensor is contiguous, on the CPU and under 2 GiB
     */
    public ByteBuffer memory() {
        if (!Script.flag("is_plain_memory", this) || count() * dtype().bytes() > Integer.MAX_VALUE) {
            throw new IllegalStateException("Invalid tensor: " + this + " (expected contiguous, on the CPU, under 2 GiB)");
        }
        return count() == 0 ? ByteBuffer.allocateDirect(0) : ScriptBridge.memoryOf(handle()).order(ByteOrder.nativeOrder());
    }

    private void read(DType as, Consumer<ByteBuffer> reader) {
        if (count() == 0) {
            return;
        }
        try (Scope scope = Scope.open()) {
            Tensor host = Script.tensor("to_host", this, as.code());
            reader.accept(ScriptBridge.memoryOf(host.handle()).order(ByteOrder.nativeOrder()));
        }
    }

    // ---- ownership ----

    long handle() {
        if (handle == 0) {
            throw new IllegalStateException("The tensor is closed");
        }
        return handle;
    }

    Scope owner() {
        handle();
        return owner;
    }

    void setOwner(Scope owner) {
        this.owner = owner;
    }

    /** Frees the native memory now instead of with the scope. Closing twice has no effect. */
    @Override
    public void close() {
        if (handle != 0) {
            owner.forget(this);
            free();
        }
    }

    void free() {
        if (handle != 0) {
            ScriptBridge.freeTensor(handle);
            handle = 0;
            Scope.died();
        }
    }

    private static long count(long[] shape) {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    /** Type and shape, such as {@code F32[3, 64]}. */
    @Override
    public String toString() {
        return handle == 0 ? "closed tensor" : dtype() + Arrays.toString(shape());
    }
}
