package dev.aerie.torch;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels that a device runs where there are several. They are chosen and logged once per device and never change afterwards,
 * so that all hidden states of a store come from the same kernels. An error in a chosen kernel is an error of the run.
 *
 * @param groupedExperts whether the products of all experts are one launch (libtorch 2.8 and later, on devices that support it)
 * @param copyStream whether copies to the device run on a side stream (CUDA builds)
 */
record Kernels(boolean groupedExperts, boolean copyStream) {

    private static final Logger LOG = LoggerFactory.getLogger(Kernels.class);

    private static final Map<Device, Kernels> CHOSEN = new ConcurrentHashMap<>();

    static Kernels of(Device device) {
        return CHOSEN.computeIfAbsent(device, Kernels::choose);
    }

    private static Kernels choose(Device device) {
        Kernels kernels = device.isCpu()
                ? new Kernels(false, false)
                : new Kernels(Script.has(Script.Variant.GROUPED) && runsGroupedProduct(device),
                        Script.has(Script.Variant.STREAMS));
        LOG.info("Kernels of {}: {}, {}", device,
                kernels.groupedExperts ? "one grouped product for all experts" : "one product for each expert",
                kernels.copyStream ? "copies on a side stream" : "copies in the default stream");
        return kernels;
    }

    /** Runs a small product, because libtorch may have the operator while the device is too old for it. */
    private static boolean runsGroupedProduct(Device device) {
        try (Scope scope = Scope.open()) {
            Tensor x = Tensor.zeros(DType.BF16, device, 16, 16);
            Tensor weight = Tensor.zeros(DType.BF16, device, 2, 16, 16);
            Tensor ends = Tensor.of(new long[] {8, 16}, 2).to(DType.I32).to(device);
            Script.tensor(Script.Variant.GROUPED, "product_by_expert", x, weight, ends).sum().item();
            return true;
        } catch (TorchException e) {
            LOG.info("{} does not run the grouped product of experts: {}", device, e.getMessage());
            return false;
        }
    }
}
