package dev.aerie.draft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.layer.KvCache;
import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** A constructor that fails frees what it has allocated, because no caller has the object to close. */
class FailedConstructionIT {

    private static void leavesNothing(Class<? extends Throwable> expected, Executable making, String what) {
        long before = Scope.liveTensors();
        assertThrows(expected, making, what);
        assertEquals(before, Scope.liveTensors(), what);
    }

    @Test
    void parametersOfWhichOneIsMissingOrMisshapen() {
        DraftConfig config = Drafts.config();
        for (String name : List.of("fc.weight", "lm_head.weight", "norm.weight")) {
            leavesNothing(RefusalException.class, () -> DraftParameters.load(config, asked -> {
                if (asked.equals(name)) {
                    throw new RefusalException("Missing tensor: " + asked);
                }
                return zeros(config, asked);
            }, Device.CPU), "missing " + name);
            leavesNothing(RefusalException.class, () -> DraftParameters.load(config,
                    asked -> asked.equals(name) ? Tensor.zeros(DType.BF16, Device.CPU, 1, 2, 3) : zeros(config, asked),
                            Device.CPU),
                    "misshapen " + name);
            leavesNothing(OutOfMemoryError.class, () -> DraftParameters.load(config, asked -> {
                throw new OutOfMemoryError("in a test");
            }, Device.CPU), "error at " + name);
        }
    }

    private static Tensor zeros(DraftConfig config, String name) {
        return Tensor.zeros(DType.BF16, Device.CPU,
                new DraftLayout(config).entries().stream().filter(e -> e.name().equals(name)).findFirst().orElseThrow().shape());
    }

    @Test
    void drafterAndTrainingOfAnotherTarget() {
        DraftConfig config = Drafts.config();
        try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, 1)) {
            FrozenTarget other = Drafts.target(Drafts.fullVocabulary(), 2);
            leavesNothing(RefusalException.class, () -> new DraftDecoder(parameters, other, DType.BF16), "decoder");
            leavesNothing(RefusalException.class,
                    () -> new TttTraining(parameters, other, LossMode.STRICT, 3, DType.F32), "training");
            leavesNothing(RefusalException.class, () -> new TttReplay(parameters, other, 3, DType.F32), "replay");
        }
    }

    /** The second of its layers does not fit into memory. */
    @Test
    void cacheOfWhichALayerDoesNotFit() {
        List<AttentionSpec.CachedRow> layers =
                List.of(new AttentionSpec.CachedRow(2, 4, 4), new AttentionSpec.CachedRow(1 << 30, 1 << 30, 4));
        leavesNothing(RuntimeException.class, () -> new KvCache(layers, 16, DType.F32, Device.CPU), "keys");
        List<AttentionSpec.CachedRow> values = List.of(new AttentionSpec.CachedRow(1024, 4, 1 << 30));
        leavesNothing(RuntimeException.class, () -> new KvCache(values, 1 << 20, DType.F32, Device.CPU), "values");
    }
}
