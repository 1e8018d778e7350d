package dev.aerie.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The family of examples/target-family, compiled into a separate jar and found in it. */
class FamilyFromOutsideTest {

    private static final Path EXAMPLE = Path.of("examples", "target-family");
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What Ember calls the tensors of Qwen3; others keep their names. */
    private static final Map<String, String> NAMES = Map.ofEntries(
            Map.entry("model.embed_tokens.", "wte."), Map.entry("model.norm.", "norm_f."),
            Map.entry("model.layers.", "blocks."), Map.entry(".input_layernorm.", ".norm_1."),
            Map.entry(".post_attention_layernorm.", ".norm_2."), Map.entry(".self_attn.q_norm.", ".attn.norm_q."),
            Map.entry(".self_attn.k_norm.", ".attn.norm_k."), Map.entry(".self_attn.q_proj.", ".attn.q."),
            Map.entry(".self_attn.k_proj.", ".attn.k."), Map.entry(".self_attn.v_proj.", ".attn.v."),
            Map.entry(".self_attn.o_proj.", ".attn.o."), Map.entry(".mlp.gate_proj.", ".mlp.w1."),
            Map.entry(".mlp.up_proj.", ".mlp.w3."), Map.entry(".mlp.down_proj.", ".mlp.w2."));

    @TempDir
    Path folder;

    private Path jar() throws IOException {
        Path classes = Files.createDirectories(folder.resolve("classes"));
        Path source = EXAMPLE.resolve("src/com/example/ember/EmberFamily.java");
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null,
                "-cp", System.getProperty("java.class.path"),
                "-Xlint:all", "-Werror", "-d", classes.toString(), source.toString()));
        Path jar = folder.resolve("ember.jar");
        try (OutputStream file = Files.newOutputStream(jar); JarOutputStream out = new JarOutputStream(file)) {
            add(out, classes, classes);
            add(out, EXAMPLE, EXAMPLE.resolve("META-INF"));
        }
        return jar;
    }

    private static void add(JarOutputStream jar, Path root, Path from) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                jar.putNextEntry(new JarEntry(root.relativize(file).toString()));
                Files.copy(file, jar);
            }
        }
    }

    /** Qwen3's golden model as Ember would save it. */
    private Path model(Consumer<ObjectNode> change) throws IOException {
        Path golden = Golden.target("qwen3");
        ObjectNode qwen = (ObjectNode) JSON.readTree(golden.resolve("config.v4.json").toFile());
        ObjectNode json = JSON.createObjectNode().put("model_type", "ember").put("activation", "silu").put("trained_tokens", 7);
        Map.of("hidden_size", "d_model", "num_hidden_layers", "n_layers", "num_attention_heads", "n_heads",
                        "num_key_value_heads", "n_kv_heads", "head_dim", "d_head", "intermediate_size", "d_ff",
                        "rms_norm_eps", "norm_eps", "max_position_embeddings", "context")
                .forEach((from, to) -> json.set(to, qwen.get(from)));
        List.of("vocab_size", "rope_theta", "eos_token_id").forEach(key -> json.set(key, qwen.get(key)));
        change.accept(json);
        Path model = Files.createDirectories(folder.resolve("model"));
        JSON.writeValue(model.resolve("config.json").toFile(), json);
        try (SafetensorsFile file = SafetensorsFile.open(golden.resolve("model.safetensors")); Scope scope = Scope.open()) {
            Map<String, Tensor> tensors = new HashMap<>();
            for (String name : file.names()) {
                String renamed = name;
                for (Map.Entry<String, String> n : NAMES.entrySet()) {
                    renamed = renamed.replace(n.getKey(), n.getValue());
                }
                tensors.put(renamed, file.tensor(name));
            }
            tensors.put("step", Tensor.of(new long[] {1000}, 1));
            SafetensorsWriter.write(model.resolve("model.safetensors"), tensors, Map.of());
        }
        return model;
    }

    private interface Check {
        void run() throws IOException;
    }

    /** With the jar where spark-submit's --jars puts it. */
    private void withJar(Check check) throws IOException {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        try (URLClassLoader loader = new URLClassLoader(new URL[] {jar().toUri().toURL()}, before)) {
            thread.setContextClassLoader(loader);
            check.run();
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    @Test
    void isFoundAndAgreesAtEveryLayer() throws IOException {
        Path model = model(json -> {});
        String without = assertThrows(RefusalException.class, () -> Target.check(model)).getMessage();
        assertTrue(without.startsWith("Invalid model_type: \"ember\" in "), without);
        withJar(() -> {
            try (Target target = Target.load(model, DType.F32, Device.CPU)) {
                TargetVerification errors = TargetVerification.compare(
                        target, Golden.target("qwen3").resolve("golden.safetensors"));
                assertEquals(target.config().layers() + 3, errors.rows().size());
                assertTrue(errors.largestError() < 1e-4, errors::toString);
            }
        });
    }

    @Test
    void itsUnreadSettingsAreRefusedToo() throws IOException {
        Path model = model(json -> json.put("residual_scale", 0.5));
        withJar(() -> assertEquals("Unknown settings in " + model.resolve("config.json")
                        + ": residual_scale = 0.5 (family ember reads or knowingly ignores every other key of it)",
                assertThrows(RefusalException.class, () -> Target.check(model)).getMessage()));
    }
}
