package dev.aerie.target.weights;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.torch.DType;
import dev.aerie.torch.Dequantise;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * How the weights of a model folder are stored. This is the only reader of {@code quantization_config} in its config.json.
 *
 * <p>The compute type does not change: a tensor is copied to the device as it is stored and dequantised there when it is read, so
 * at most one tensor exists in both forms.
 */
public sealed interface Quantisation {

    Set<DType> FLOATING = EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.F64);

    /**
     * A stored tensor.
     *
     * @param types the types that it may have
     */
    record Stored(String name, Set<DType> types, long... shape) {}

    /**
     * Returns the tensors that together store a weight. A quantised model stores some weights unquantised, and configurations do
     * not always say which: embeddings, norms and routers are never converted, whatever {@code modules_to_not_convert} lists.
     *
     * @param type returns the type of a stored tensor by its name, null if there is none
     */
    List<Stored> stored(WeightSpec weight, Function<String, DType> type);

    /**
     * Reads a weight that {@link #stored} found valid.
     *
     * @param tensor returns a stored tensor by its name, on any device
     * @param type as in {@link #stored}
     * @return a tensor in the innermost scope with the shape, type and device of the arguments
     */
    Tensor read(WeightSpec weight, Function<String, DType> type, Function<String, Tensor> tensor, DType dtype, Device device);

    /** Unquantised weights in any floating type. */
    record Plain() implements Quantisation {

        @Override
        public List<Stored> stored(WeightSpec weight, Function<String, DType> type) {
            return List.of(new Stored(weight.name(), FLOATING, weight.storedShape()));
        }

        @Override
        public Tensor read(
                WeightSpec weight, Function<String, DType> type, Function<String, Tensor> tensor, DType dtype, Device device) {
            return weight.rowsOf(tensor.apply(weight.name())).to(device).to(dtype);
        }
    }

    /**
     * DeepSeek's block-scaled FP8: 8-bit matrices beside {@code NAME_scale_inv} [⌈out / rows⌉, ⌈in / columns⌉], whose elements
     * multiply one block each (DeepSeek-V3 technical report, arXiv 2412.19437, section 3.3; blocks at the right and lower edge
     * are partial).
     *
     * @param kept matches names of tensors that are not converted
     */
    record BlockFp8(int rows, int columns, Predicate<String> kept) implements Quantisation {

        private static final Set<DType> FP8 = EnumSet.of(DType.F8_E4M3, DType.F8_E5M2);
        private static final Set<DType> SCALES = EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.F8_E8M0);

        @Override
        public List<Stored> stored(WeightSpec weight, Function<String, DType> type) {
            if (!converted(weight, type)) {
                return new Plain().stored(weight, type);
            }
            long[] s = weight.shape();
            return List.of(new Stored(weight.name(), FP8, s),
                    new Stored(scale(weight), SCALES, blocks(s[0], rows), blocks(s[1], columns)));
        }

        @Override
        public Tensor read(
                WeightSpec weight, Function<String, DType> type, Function<String, Tensor> tensor, DType dtype, Device device) {
            return converted(weight, type)
                    ? Dequantise.blocks(tensor.apply(weight.name()).to(device), tensor.apply(scale(weight)).to(device),
                            rows, columns, dtype)
                    : new Plain().read(weight, type, tensor, dtype, device);
        }

        private boolean converted(WeightSpec weight, Function<String, DType> type) {
            return weight.rows() == null && weight.shape().length == 2 && FP8.contains(type.apply(weight.name()))
                    && !kept.test(weight.name());
        }

        private static long blocks(long size, int block) {
            return (size + block - 1) / block;
        }

        private static String scale(WeightSpec weight) {
            return weight.name() + "_scale_inv";
        }
    }

    /**
     * gpt-oss's MXFP4: an expert tensor [experts, in, out] is stored as {@code NAME_blocks} [experts, out, in / 32, 16], two
     * 4-bit codes per byte, and {@code NAME_scales} [experts, out, in / 32], the exponent of each group of 32 (OCP Microscaling
     * Formats 1.0). The stored form is transposed: a group runs along the input.
     *
     * @param kept matches names of tensors that are not converted
     */
    record Mxfp4(Predicate<String> kept) implements Quantisation {

        private static final int GROUP = 32;

        @Override
        public List<Stored> stored(WeightSpec weight, Function<String, DType> type) {
            if (!converted(weight, type)) {
                return new Plain().stored(weight, type);
            }
            long[] s = weight.shape();
            return List.of(
                    new Stored(weight.name() + "_blocks", EnumSet.of(DType.U8), s[0], s[2], s[1] / GROUP, GROUP / 2),
                    new Stored(weight.name() + "_scales", EnumSet.of(DType.U8, DType.F8_E8M0), s[0], s[2], s[1] / GROUP));
        }

        @Override
        public Tensor read(
                WeightSpec weight, Function<String, DType> type, Function<String, Tensor> tensor, DType dtype, Device device) {
            return converted(weight, type)
                    ? Dequantise.mxfp4(tensor.apply(weight.name() + "_blocks").to(device),
                            tensor.apply(weight.name() + "_scales").to(device), dtype).transpose(1, 2)
                    : new Plain().read(weight, type, tensor, dtype, device);
        }

        private boolean converted(WeightSpec weight, Function<String, DType> type) {
            long[] s = weight.shape();
            return s.length == 3 && s[1] % GROUP == 0 && type.apply(weight.name()) == null
                    && (type.apply(weight.name() + "_blocks") != null || type.apply(weight.name() + "_scales") != null)
                    && !kept.test(weight.name());
        }
    }

    /** Reads the config.json in a model folder; plain if there is none. */
    static Quantisation of(Path folder) {
        Path config = folder.resolve("config.json");
        return Files.exists(config) ? read(ConfigJson.read(config)) : new Plain();
    }

    /** @throws RefusalException if the method or one of its settings is not implemented */
    static Quantisation read(ConfigJson config) {
        config.ignore("quantization_config");
        if (!config.has("quantization_config")) {
            return new Plain();
        }
        ConfigJson json = config.object("quantization_config");
        String method = json.text("quant_method");
        Quantisation out = switch (method) {
            case "fp8" -> blockFp8(json);
            case "mxfp4" -> new Mxfp4(kept(json));
            default -> throw json.invalid("quant_method", "fp8 or mxfp4");
        };
        json.refuseUnread("quant_method " + method);
        return out;
    }

    private static BlockFp8 blockFp8(ConfigJson json) {
        List<Integer> block = json.integers("weight_block_size");
        if (block.size() != 2 || block.stream().anyMatch(b -> b < 1)) {
            throw json.invalid("weight_block_size", "the two sizes of a block, such as [128, 128]");
        }
        json.require("fmt", "e4m3", "e5m2");
        // How other engines quantise activations on the fly; we compute with dequantised weights. Static scales would be tensors.
        json.require("activation_scheme", "dynamic");
        json.ignore("scale_fmt");
        return new BlockFp8(block.get(0), block.get(1), kept(json));
    }

    /** Matches modules by their full names, in which a star stands for one part, such as the number of a layer. */
    private static Predicate<String> kept(ConfigJson json) {
        List<Pattern> modules = json.texts("modules_to_not_convert").stream()
                .map(m -> Pattern.compile("\\Q" + m.replace("*", "\\E[^.]+\\Q") + "\\E([._].*)?"))
                .toList();
        return name -> modules.stream().anyMatch(m -> m.matcher(name).matches());
    }
}
