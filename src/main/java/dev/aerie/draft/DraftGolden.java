package dev.aerie.draft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.LongStream;

/**
 * A golden draft: known weights and the results of SpecForge's model code for them. {@code golden.json} has losses, accuracies
 * and a trajectory; {@code golden.safetensors} has samples, parameters and gradients. CPU, float32.
 */
final class DraftGolden implements AutoCloseable {

    private final JsonNode json;
    private final SafetensorsFile tensors;
    private final DraftConfig config;

    /** @throws RefusalException if the folder holds no golden, or one of a loss or draft that is not implemented */
    DraftGolden(Path folder) {
        Path file = folder.resolve("golden.json");
        try {
            json = new ObjectMapper().readTree(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            throw new RefusalException("Missing golden: " + file, e);
        } catch (IOException e) {
            throw new RefusalException("Unreadable golden: " + file + " (" + e.getMessage() + ")", e);
        }
        if (json.hasNonNull("lk")) {
            throw new RefusalException("Invalid lk: " + json.get("lk") + " in " + file
                    + " (expected none: LK losses are not implemented)");
        }
        if (json.path("step_weight_decay").asDouble() != TttMetrics.STEP_DECAY) {
            throw new RefusalException("Invalid step_weight_decay: " + json.path("step_weight_decay") + " in " + file
                    + " (expected " + TttMetrics.STEP_DECAY + ")");
        }
        config = DraftConfig.read(ConfigJson.of(file + ": config", json.path("config")));
        tensors = SafetensorsFile.open(folder.resolve("golden.safetensors"));
    }

    DraftConfig config() {
        return config;
    }

    int steps() {
        return json.path("ttt_length").asInt();
    }

    int samples() {
        return json.path("samples").size();
    }

    /**
     * Returns the metrics of a sample at a stage: {@code samples} (at the initial parameters), {@code late} or {@code strict}.
     */
    JsonNode metrics(String stage, int sample) {
        return json.path(stage).path(sample);
    }

    boolean has(String stage) {
        return json.hasNonNull(stage);
    }

    /** Returns pairs of total loss and gradient norm, one for each optimizer step. */
    JsonNode trajectory() {
        return json.path("trajectory").path("total_loss_and_grad_norm");
    }

    /** Returns one sample as a micro-batch with the teacher state of every row, in the innermost scope. */
    TrainingBatch batch(int sample) {
        String prefix = "sample" + sample + ".";
        int[] ids = Arrays.stream(tensors.tensor(prefix + "input_ids").toLongs()).mapToInt(Math::toIntExact).toArray();
        long[] mask = tensors.tensor(prefix + "loss_mask").toLongs();
        boolean[] lossMask = new boolean[mask.length];
        for (int t = 0; t < mask.length; t++) {
            lossMask[t] = mask[t] != 0;
        }
        return new TrainingBatch(new TokenSequence(ids, lossMask), new long[] {0, ids.length}, tensors.tensor(prefix + "aux"),
                tensors.tensor(prefix + "last"), LongStream.range(0, ids.length).toArray());
    }

    /** @param stage {@code init}, {@code final} or {@code late} */
    DraftParameters parameters(String stage) {
        return DraftParameters.load(config, name -> tensors.tensor(stage + "." + name), Device.CPU);
    }

    boolean hasTensor(String name) {
        return tensors.contains(name);
    }

    /** Returns a tensor in the innermost scope. */
    Tensor tensor(String name) {
        return tensors.tensor(name);
    }

    /** Returns the target in the innermost scope. */
    FrozenTarget target() {
        long[] d2t = tensors.tensor("d2t").toLongs();
        int[] ids = new int[d2t.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (int) (i + d2t[i]);
        }
        return new FrozenTarget(tensors.tensor("init.embed_tokens.weight").to(DType.F32),
                tensors.tensor("target_lm_head.weight").to(DType.F32), new DraftVocabulary(config.vocabSize(), ids));
    }

    @Override
    public void close() {
        tensors.close();
    }
}
