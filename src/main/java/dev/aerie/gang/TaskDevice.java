package dev.aerie.gang;

import dev.aerie.errors.RefusalException;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/** The device that Spark's scheduler gave a task. */
public final class TaskDevice {

    private static final String RESOURCE = "gpu";

    private TaskDevice() {}

    /**
     * The device that a recipe's {@code runtime.device} means for a task.
     *
     * @param wanted {@code auto} for the CUDA device of the task's {@code gpu} address, and for the CPU where the task has no
     *     address or this libtorch sees no CUDA device (addresses are then pretended, to try the scheduling); {@code cpu};
     *     {@code cuda} to refuse to run on anything else
     * @throws IllegalStateException if there is no such device
     */
    public static Device of(TaskContext task, String wanted) {
        Device device = check(wanted).equals("cpu") ? Device.CPU : assigned(task);
        if (wanted.equals("cuda") && device.isCpu()) {
            throw new IllegalStateException("Invalid device: cuda (expected a gpu given to the task by Spark, and a CUDA build of"
                    + " libtorch)");
        }
        return device;
    }

    /** @throws RefusalException unless it is one of the three that {@link #of} knows */
    static String check(String wanted) {
        if (!List.of("auto", "cpu", "cuda").contains(wanted)) {
            throw new RefusalException("Invalid device: " + wanted + " (expected auto, cpu or cuda)");
        }
        return wanted;
    }

    private static Device assigned(TaskContext task) {
        ResourceInformation gpu = task.resourcesJMap().get(RESOURCE);
        if (gpu == null || gpu.addresses().length == 0) {
            return Device.CPU;
        }
        return device(gpu.addresses()[0], LibTorch.cudaDevices(), System.getenv("CUDA_VISIBLE_DEVICES"));
    }

    static Device device(String address, int devices, String visible) {
        if (devices == 0) {
            return Device.CPU;
        }
        // CUDA renumbers the devices it may see from zero; Spark does not know of it.
        List<String> list = visible == null || visible.isBlank() ? List.of() : Arrays.asList(visible.strip().split("\\s*,\\s*"));
        int index = list.contains(address) ? list.indexOf(address) : parse(address);
        if (index < 0 || index >= devices) {
            throw new IllegalStateException("Invalid gpu address: " + address + " (expected one of the " + devices
                    + " devices that libtorch sees, CUDA_VISIBLE_DEVICES=" + visible + ")");
        }
        return Device.cuda(index);
    }

    private static int parse(String address) {
        try {
            return Integer.parseInt(address);
        } catch (NumberFormatException e) {
            return -1;
        }
    }
}
