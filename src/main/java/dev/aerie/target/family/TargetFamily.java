package dev.aerie.target.family;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.target.spec.DecoderSpec;
import java.util.Set;

/**
 * Reads the config.json of one family of targets. Families are found by {@link java.util.ServiceLoader}, so a jar on the class
 * path can add one.
 */
public interface TargetFamily {

    /** Returns the values of {@code model_type} that this family reads. */
    Set<String> modelTypes();

    /**
     * Reads every key of a config.json or declares it ignored; the caller refuses keys that are left.
     *
     * @throws RefusalException if a setting is not implemented
     */
    DecoderSpec read(ConfigJson config);
}
