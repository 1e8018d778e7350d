package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.WeightSpec;
import dev.aerie.target.weights.Weights;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Dequantise;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantisationTest {

    private static final String MATRIX = "model.layers.1.self_attn.q_proj.weight";

    @TempDir
    Path folder;

    /** The test model with one matrix in fp8: codes of 1 and scales 2, 4, 8, ... */
    private void fp8(Consumer<ObjectNode> config, Consumer<Map<String, Tensor>> weights) throws IOException {
        TestModel.changed(folder,
                json -> {
                    config.accept(json.putObject("quantization_config").put("quant_method", "fp8").put("fmt", "e4m3")
                            .put("activation_scheme", "dynamic"));
                    ((ObjectNode) json.get("quantization_config")).putArray("weight_block_size").add(48).add(32);
                },
                tensors -> {
                    tensors.put(MATRIX, Tensor.full(1, DType.F32, Device.CPU, 64, 64).to(DType.F8_E4M3));
                    tensors.put(MATRIX + "_scale_inv", Tensor.of(new float[] {2, 4, 8, 16}, 2, 2));
                    weights.accept(tensors);
                });
    }

    @Test
    void codesAndPlainWeightsOfOneModelAreRead() throws IOException {
        fp8(config -> config.putArray("modules_to_not_convert").add("lm_head"), tensors -> {});
        try (Target target = Target.load(folder, DType.BF16, Device.CPU); Weights weights = Weights.open(folder);
                Scope scope = Scope.open()) {
            assertEquals(2, target.config().layers());
            float[] matrix = weights.read(new WeightSpec(MATRIX, 64, 64), DType.F32, Device.CPU).toFloats();
            for (int i = 0; i < 64; i++) {
                for (int j = 0; j < 64; j++) {
                    assertEquals((i < 48 ? 2 : 8) * (j < 32 ? 1 : 2), matrix[i * 64 + j]);
                }
            }
        }
    }

    @Test
    void companionsAreCheckedWithTheWeights() throws IOException {
        fp8(config -> {}, tensors -> tensors.remove(MATRIX + "_scale_inv"));
        refused("1 tensor missing: " + MATRIX + "_scale_inv[2, 2]");
    }

    @Test
    void companionsOfAnotherShapeOrTypeAreNamed() throws IOException {
        fp8(config -> {}, tensors -> {
            tensors.put(MATRIX + "_scale_inv", Tensor.of(new float[2], 2, 1));
            tensors.put("model.layers.0.self_attn.q_proj.weight_scale_inv", Tensor.of(new float[2], 2, 1));
        });
        refused("1 tensor misshapen: " + MATRIX + "_scale_inv[2, 1] (expected [2, 2]); 1 tensor unknown to this model family: "
                + "model.layers.0.self_attn.q_proj.weight_scale_inv");
        TestModel.changed(folder, config -> config.set("quantization_config", ConfigJson.parse(folder.resolve("config.json"))
                .get("quantization_config")), tensors -> {
                    tensors.put(MATRIX, Tensor.full(1, DType.F32, Device.CPU, 64, 64).to(DType.F8_E4M3));
                    tensors.put(MATRIX + "_scale_inv", Tensor.of(new long[4], 2, 2));
                });
        refused("1 tensor of another type than this quantisation has: " + MATRIX + "_scale_inv I64 (expected F16 or F32");
    }

    @Test
    void codesOfAModuleThatIsNotConvertedAreNoWeights() throws IOException {
        fp8(config -> config.putArray("modules_to_not_convert").add("model.layers.*.self_attn"), tensors -> {});
        refused("1 tensor of a type that is not float32, float16 or bfloat16: " + MATRIX + " F8_E4M3; 1 tensor unknown to this "
                + "model family: " + MATRIX + "_scale_inv");
    }

    @Test
    void methodsAndSettingsThatAreNotImplementedAreNamed() throws IOException {
        fp8(config -> config.put("quant_method", "gptq"), tensors -> {});
        refused("Invalid quant_method: \"gptq\" in " + folder.resolve("config.json")
                + ": quantization_config (expected fp8 or mxfp4)");
        fp8(config -> config.put("activation_scheme", "static"), tensors -> {});
        refused("Invalid activation_scheme: \"static\" in ");
        fp8(config -> config.put("bits", 8), tensors -> {});
        refused("bits = 8 (quant_method fp8 reads or knowingly ignores every other key of it)");
    }

    private void refused(String part) {
        String said = assertThrows(RefusalException.class,
                () -> Target.load(folder, DType.F32, Device.CPU).close()).getMessage();
        assertTrue(said.contains(part), said);
    }

    @Test
    void mxfp4IsReadInTheShapeOfThePlainTensor() {
        String name = "model.layers.1.mlp.experts.gate_up_proj";
        Path golden = Golden.target("gpt_oss-mxfp4");
        WeightSpec spec = new WeightSpec(name, 4, 64, 192);
        WeightSpec plain = new WeightSpec("model.norm.weight", 64);
        try (Weights weights = Weights.open(golden);
                SafetensorsFile file = SafetensorsFile.open(golden.resolve("model.safetensors")); Scope scope = Scope.open()) {
            Tensor expected = Dequantise.mxfp4(file.tensor(name + "_blocks"), file.tensor(name + "_scales"), DType.F32);
            Tensor actual = weights.read(spec, DType.F32, Device.CPU);
            assertArrayEquals(spec.shape(), actual.shape());
            assertArrayEquals(expected.toFloats(), actual.transpose(1, 2).toFloats());
            weights.check(List.of(spec, plain), n -> !n.startsWith(name + "_") || n.endsWith("bias"));
            String said = assertThrows(RefusalException.class, () -> weights.check(
                    List.of(new WeightSpec(name, 4, 64, 96), plain), n -> !n.startsWith(name))).getMessage();
            assertTrue(said.contains("2 tensors misshapen: " + name + "_blocks[4, 192, 2, 16] (expected [4, 96, 2, 16]), " + name
                    + "_scales[4, 192, 2] (expected [4, 96, 2])"), said);
        }
    }
}
