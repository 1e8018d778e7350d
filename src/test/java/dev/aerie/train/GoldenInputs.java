package dev.aerie.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.DraftParameters;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.testing.Golden;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/**
 * A golden draft with its target and its two samples.
 *
 * @param folder of the case
 * @param conversations how many to make of the two samples: those themselves, then shorter and shorter beginnings of them
 */
record GoldenInputs(String folder, int conversations) implements TrainingInputs {

    static GoldenInputs of(String name, int conversations) {
        return new GoldenInputs(Golden.training(name).toString(), conversations);
    }

    JsonNode json() throws IOException {
        return new ObjectMapper().readTree(Path.of(folder, "golden.json").toFile());
    }

    SafetensorsFile tensors() {
        return SafetensorsFile.open(Path.of(folder, "golden.safetensors"));
    }

    @Override
    public Map<String, String> fingerprints() {
        return Map.of("store", folder);
    }

    @Override
    public Opened open(Device device, DType compute, Configuration conf) throws IOException {
        DraftConfig config = DraftConfig.read(ConfigJson.of(folder, json().path("config")));
        Scope scope = Scope.detached();
        try (SafetensorsFile file = tensors(); Scope loading = Scope.open()) {
            long[] d2t = file.tensor("d2t").toLongs();
            int[] ids = new int[d2t.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = (int) (i + d2t[i]);
            }
            FrozenTarget target = new FrozenTarget(
                    scope.adopt(file.tensor("init.embed_tokens.weight").to(DType.F32).copy()),
                    scope.adopt(file.tensor("target_lm_head.weight").to(DType.F32).copy()),
                    new DraftVocabulary(config.vocabSize(), ids));
            List<MemorySource.Held> held = new ArrayList<>();
            for (int c = 0; c < conversations; c++) {
                MemorySource.Held whole = sample(file, c % 2);
                int length = whole.sequence().length() - c / 2;
                held.add(c < 2 ? whole : MemorySource.cut(whole, "part " + c, length));
            }
            return new OpenedGolden(config, target, new MemorySource(held, held.subList(0, Math.min(2, held.size()))), this,
                    scope);
        }
    }

    private static MemorySource.Held sample(SafetensorsFile file, int sample) {
        String prefix = "sample" + sample + ".";
        long[] ids = file.tensor(prefix + "input_ids").toLongs();
        long[] mask = file.tensor(prefix + "loss_mask").toLongs();
        int[] tokens = new int[ids.length];
        boolean[] supervised = new boolean[ids.length];
        for (int t = 0; t < tokens.length; t++) {
            tokens[t] = (int) ids[t];
            supervised[t] = mask[t] != 0;
        }
        return new MemorySource.Held(prefix, tokens, supervised, file.tensor(prefix + "aux").toFloats(),
                file.tensor(prefix + "last").toFloats());
    }

    /** The parameters of a stage: {@code init}, {@code final} or {@code late}. */
    DraftParameters parameters(DraftConfig config, String stage) {
        try (SafetensorsFile file = tensors(); Scope scope = Scope.open()) {
            return DraftParameters.load(config, name -> file.tensor(stage + "." + name), Device.CPU);
        }
    }

    private record OpenedGolden(
            DraftConfig draft, FrozenTarget target, HiddenStateSource source, GoldenInputs inputs, Scope scope)
            implements Opened {

        @Override
        public DraftParameters initial(long seed, Device device) {
            return inputs.parameters(draft, "init");
        }

        @Override
        public void close() {
            scope.close();
        }
    }
}
