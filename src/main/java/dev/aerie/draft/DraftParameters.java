package dev.aerie.draft;

import dev.aerie.errors.RefusalException;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** The trainable parameters: views of one flat float32 tensor in the order of {@link DraftLayout}. */
public final class DraftParameters implements AutoCloseable {

    /** Standard deviation of a new draft's matrices (transformers' initializer_range); norms start at 1. */
    private static final double INITIAL_STD = 0.02;

    private final DraftConfig config;
    private final DraftLayout layout;
    private final Scope scope = Scope.detached();
    private final Tensor flat;

    private DraftParameters(DraftConfig config, Device device) {
        this.config = config;
        this.layout = new DraftLayout(config);
        try (Scope making = Scope.open()) {
            this.flat = scope.adopt(Tensor.zeros(DType.F32, device, layout.size()));
        }
    }

    /** Draws normally distributed matrices and sets norms to 1; a seed always gives the same values. */
    public static DraftParameters random(DraftConfig config, long seed, Device device) {
        return filled(config, device, (i, entry) -> entry.isNorm()
                ? Tensor.full(1, DType.F32, Device.CPU, entry.shape())
                : Tensor.randomNormal(seed * 31 + i, INITIAL_STD, entry.shape()));
    }

    /**
     * Copies the tensors of a file or a checkpoint, of any floating type.
     *
     * @param tensors returns the tensor of a name, in the innermost scope
     * @throws RefusalException if a tensor's shape differs from the configuration's
     */
    public static DraftParameters load(DraftConfig config, Function<String, Tensor> tensors, Device device) {
        return filled(config, device, (i, entry) -> {
            Tensor source = tensors.apply(entry.name());
            if (!Arrays.equals(source.shape(), entry.shape())) {
                throw new RefusalException("Invalid draft parameter: " + entry.name() + " has shape "
                        + Arrays.toString(source.shape()) + " (expected " + Arrays.toString(entry.shape()) + ")");
            }
            return source;
        });
    }

    /** Where the values of a parameter come from. */
    private interface Values {
        Tensor of(int index, DraftLayout.Entry entry);
    }

    /** Frees all of them where one cannot be had. */
    private static DraftParameters filled(DraftConfig config, Device device, Values values) {
        DraftParameters parameters = new DraftParameters(config, device);
        try {
            List<DraftLayout.Entry> entries = parameters.layout.entries();
            for (int i = 0; i < entries.size(); i++) {
                try (Scope filling = Scope.open()) {
                    parameters.get(entries.get(i).name()).copy_(values.of(i, entries.get(i)));
                }
            }
            return parameters;
        } catch (RuntimeException | Error e) {
            parameters.close();
            throw e;
        }
    }

    public DraftConfig config() {
        return config;
    }

    public DraftLayout layout() {
        return layout;
    }

    /** Returns float32 [layout().size()]; optimizers change it in place. */
    public Tensor flat() {
        return flat;
    }

    /** Returns the names in the order of the flat tensor. */
    public List<String> names() {
        return layout.entries().stream().map(DraftLayout.Entry::name).toList();
    }

    /** Returns a view of one parameter, in the innermost scope. */
    public Tensor get(String name) {
        return layout.view(flat, name);
    }

    /** Returns the tensors that the arithmetic reads, in the innermost scope: in float32 the parameters, else a copy of them. */
    DraftTensors tensors(DType compute) {
        return DraftTensors.over(config, layout, flat.to(compute));
    }

    @Override
    public void close() {
        scope.close();
    }
}
