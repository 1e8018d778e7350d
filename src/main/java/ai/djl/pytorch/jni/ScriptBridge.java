package ai.djl.pytorch.jni;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * The native access of {@code dev.aerie.torch} to libtorch: TorchScript modules, their values and raw tensors, by native handle.
 *
 * <p>It is in DJL's package because {@link PyTorchLibrary} is package-private and DJL's public {@code runMethod} always runs in
 * inference mode, whose results autograd refuses. DJL's NDArray is not used: several of its methods abort the JVM on a bfloat16
 * tensor. The class must be loaded by the class loader that loads DJL, so both are shaded into one jar and DJL is not relocated.
 */
public final class ScriptBridge {

    private static final PyTorchLibrary LIB = PyTorchLibrary.LIB;

    private ScriptBridge() {}

    /** Loads a TorchScript archive on the CPU and returns the module's handle. */
    public static long load(InputStream archive) throws IOException {
        return JniUtils.loadModuleHandle(archive, ai.djl.Device.cpu(), false, false);
    }

    /**
     * Runs a method of a module; autograd records it whatever the thread's gradient mode.
     *
     * @param arguments handles of values, which the caller still owns
     * @return handle of the result, to be freed with {@link #freeValue}
     */
    public static long run(long module, String method, long[] arguments) {
        return LIB.moduleRunMethod(module, method, arguments, true, false);
    }

    public static long value(boolean x) {
        return LIB.iValueFromBool(x);
    }

    public static long value(long x) {
        return LIB.iValueFromLong(x);
    }

    public static long value(double x) {
        return LIB.iValueFromDouble(x);
    }

    public static long value(String x) {
        return LIB.iValueFromString(x);
    }

    public static long value(long[] x) {
        return LIB.iValueFromLongList(x);
    }

    public static long value(double[] x) {
        return LIB.iValueFromDoubleList(x);
    }

    /** Returns a value that shares the tensor behind a handle. */
    public static long tensorValue(long tensor) {
        return LIB.iValueFromTensor(tensor);
    }

    public static long tensorListValue(long[] tensors) {
        return LIB.iValueFromTensorList(tensors);
    }

    public static boolean isTensor(long value) {
        return LIB.iValueIsTensor(value);
    }

    public static boolean isTensorList(long value) {
        return LIB.iValueIsTensorList(value);
    }

    public static boolean isTuple(long value) {
        return LIB.iValueIsTuple(value);
    }

    public static boolean isList(long value) {
        return LIB.iValueIsList(value);
    }

    /** Returns a new tensor handle that shares the value's tensor; free it with {@link #freeTensor}. */
    public static long toTensor(long value) {
        return LIB.iValueToTensor(value);
    }

    public static long[] toTensorList(long value) {
        return LIB.iValueToTensorList(value);
    }

    /** Returns the elements of a tuple as values, each of which must be freed. */
    public static long[] toTuple(long value) {
        return LIB.iValueToIValueTuple(value);
    }

    /** Returns the elements of a general list (such as one of optional tensors) as values, each of which must be freed. */
    public static long[] toList(long value) {
        return LIB.iValueToIValueList(value);
    }

    public static long toLong(long value) {
        return LIB.iValueToLong(value);
    }

    public static double toDouble(long value) {
        return LIB.iValueToDouble(value);
    }

    public static boolean toBoolean(long value) {
        return LIB.iValueToBool(value);
    }

    public static long[] toLongs(long value) {
        return LIB.iValueToLongList(value);
    }

    public static void freeValue(long value) {
        LIB.torchDeleteIValue(value);
    }

    public static void freeTensor(long tensor) {
        LIB.torchDeleteTensor(tensor);
    }

    /** Returns the memory of a contiguous CPU tensor, in native byte order; valid while the tensor lives. */
    public static ByteBuffer memoryOf(long tensor) {
        return LIB.torchDirectByteBuffer(tensor);
    }

    public static long[] shape(long tensor) {
        return LIB.torchSizes(tensor);
    }

    public static boolean gradMode() {
        return LIB.torchIsGradMode();
    }

    public static void setGradMode(boolean on) {
        LIB.torchSetGradMode(on);
    }

    public static void setGraphExecutorOptimize(boolean on) {
        LIB.setGraphExecutorOptimize(on);
    }

    public static void setThreads(int n) {
        LIB.torchSetNumThreads(n);
    }

    public static int threads() {
        return LIB.torchGetNumThreads();
    }
}
