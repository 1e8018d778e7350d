package dev.aerie.evaluate;

import dev.aerie.draft.DraftDecoder;
import dev.aerie.draft.DraftExport;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.host.HostModels;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;

/**
 * Target and draft of an evaluation, loaded once in each JVM and shared by its tasks. They stay until another evaluation asks
 * for others.
 */
final class LoadedModels implements AutoCloseable {

    private record Key(Path target, Path draft, DType dtype, Residency residency, Device device) {}

    private static LoadedModels current;

    private final Key key;
    private final Target target;
    private final DraftExport.Draft draft;
    private final DraftDecoder decoder;
    private int users;
    private boolean warm;

    private LoadedModels(Key key) throws IOException {
        this.key = key;
        // The small one first: what is wrong with a draft shows before a target of gigabytes is loaded.
        this.draft = DraftExport.read(key.draft(), key.device());
        Target opened = null;
        try {
            opened = Target.load(key.target(), key.dtype(), key.device(), key.residency());
            this.target = opened;
            this.decoder = new DraftDecoder(draft.parameters(),
                new FrozenTarget(target.embedTokens(), target.lmHead(), draft.vocabulary()), key.dtype());
        } catch (RuntimeException | Error e) {
            draft.close();
            if (opened != null) {
                opened.close();
            }
            throw e;
        }
    }

    /** Returns the models, loaded if need be; the caller closes them. */
    static LoadedModels take(EvaluateSettings settings, Device device, Configuration conf) throws IOException {
        Key wanted = new Key(HostModels.folder(settings.target().model(), conf), HostModels.folder(settings.draft(), conf),
                settings.target().dtype(), settings.target().residency(), device);
        synchronized (LoadedModels.class) {
            if (current == null || !current.key.equals(wanted)) {
                releaseIdle();
                current = new LoadedModels(wanted);
            }
            current.users++;
            return current;
        }
    }

    /** Frees what this JVM has loaded, once no task uses it. */
    static void releaseIdle() {
        synchronized (LoadedModels.class) {
            LoadedModels before = current;
            current = null;
            if (before != null) {
                before.freeIfUnused();
            }
        }
    }

    PromptEvaluator evaluator(EvaluateSettings settings, BigramTable bigrams) {
        return new PromptEvaluator(target, new EagleChain(decoder), draft.config().captureLayers(target.config().layers()), settings, bigrams);
    }

    /** Returns true at the first call and false afterwards. */
    synchronized boolean isCold() {
        boolean cold = !warm;
        warm = true;
        return cold;
    }

    @Override
    public void close() {
        synchronized (LoadedModels.class) {
            users--;
            if (this != current) {
                freeIfUnused();
            }
        }
    }

    private void freeIfUnused() {
        if (users == 0) {
            decoder.close();
            draft.close();
            target.close();
        }
    }
}
