package dev.aerie.target.family;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import java.util.Set;

/**
 * Reads the config.json of one family of targets. Families are found by {@link java.util.ServiceLoader}, so a jar of one's own
 * on the class path adds one.
 */
public interface TargetFamily {

    /** The values of {@code model_type} that this family reads. */
    Set<String> modelTypes();

    /**
     * Reads every key of a config.json or knowingly ignores it; the caller refuses those that are left.
     *
     * @throws RefusalException for a setting that is not implemented
     */
    DecoderSpec read(ConfigJson config);
}
