package dev.aerie.evaluate;

import dev.aerie.draft.DraftDecoder;
import dev.aerie.draft.DraftExport;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.spark.ModelKey;
import dev.aerie.spark.ModelParts;
import dev.aerie.spark.SharedModels;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;

/** The target and draft of an evaluation, loaded once in each JVM and shared by its tasks. */
final class LoadedModels {

    private record Key(Path target, Path draft, DType dtype, Residency residency, Device device) implements ModelKey {}

    private static final SharedModels<Key, LoadedModels> SHARED = new SharedModels<>(LoadedModels::new);

    private final Target target;
    private final DraftDecoder decoder;
    private final int[] captureLayers;
    private final AtomicBoolean warm = new AtomicBoolean();

    private LoadedModels(Key key, ModelParts parts) throws IOException {
        // The small one first: faults of a draft show before a target of gigabytes is loaded.
        DraftExport.Draft draft = parts.add(DraftExport.read(key.draft(), key.device()));
        this.target = parts.add(Target.load(key.target(), key.dtype(), key.device(), key.residency()));
        this.decoder = parts.add(new DraftDecoder(draft.parameters(),
                new FrozenTarget(target.embedTokens(), target.lmHead(), draft.vocabulary()), key.dtype()));
        this.captureLayers = draft.config().captureLayers(target.config().layers());
    }

    static SharedModels.Lease<LoadedModels> lease(EvaluateSettings settings, Device device, Configuration conf)
            throws IOException {
        return SHARED.lease(new Key(settings.target().model().folder(conf), settings.draft().folder(conf),
                settings.target().dtype(), settings.target().residency(), device));
    }

    /** {@link SharedModels#release}. */
    static void release() {
        SHARED.release();
    }

    PromptEvaluator evaluator(EvaluateSettings settings, BigramTable bigrams) {
        return new PromptEvaluator(target, new EagleChain(decoder), captureLayers, settings, bigrams);
    }

    /** Returns true at the first call and false afterwards. */
    boolean isCold() {
        return warm.compareAndSet(false, true);
    }
}
