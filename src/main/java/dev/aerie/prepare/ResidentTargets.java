package dev.aerie.prepare;

import dev.aerie.spark.ModelKey;
import dev.aerie.spark.SharedModels;
import dev.aerie.spark.TargetSettings;
import dev.aerie.target.Residency;
import dev.aerie.target.Target;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;

/** The targets of this JVM: an executor loads a target for its first shard and keeps it for the others. */
final class ResidentTargets {

    private record Key(Path folder, DType dtype, Residency residency, Device device) implements ModelKey {}

    private static final SharedModels<Key, Target> TARGETS = new SharedModels<>(
            (key, parts) -> parts.add(Target.load(key.folder(), key.dtype(), key.device(), key.residency())));

    private ResidentTargets() {}

    static SharedModels.Lease<Target> lease(TargetSettings settings, Device device, Configuration conf) throws IOException {
        return TARGETS.lease(new Key(settings.model().folder(conf), settings.dtype(), settings.residency(), device));
    }

    /** {@link SharedModels#release}. */
    static void release() {
        TARGETS.release();
    }
}
