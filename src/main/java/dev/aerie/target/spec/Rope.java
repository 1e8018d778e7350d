package dev.aerie.target.spec;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import java.util.List;

/**
 * Rotary position embedding: the frequency of each pair of dimensions.
 *
 * <p>Frequencies are computed in float32 in the order of Hugging Face's modeling_rope_utils.py, because at position 100,000 the
 * last digit of a frequency is visible in the angle.
 */
public sealed interface Rope {

    double theta();

    /** Returns the angle per position of each pair (j, j + dim/2), float32 [dim/2], within the model's original context. */
    float[] frequencies(int dim);

    /** Returns the frequencies in a sequence of this many tokens. */
    default float[] frequencies(int dim, long length) {
        return frequencies(dim);
    }

    /** Returns whether the frequencies depend on the length of the sequence. */
    default boolean byLength() {
        return false;
    }

    /** Returns whether there are frequencies for this many dimensions; a list of factors fits only one number of them. */
    default boolean fits(int dim) {
        return true;
    }

    /** Returns the factor of cosine and sine. */
    default double attentionFactor() {
        return 1;
    }

    /** Returns the form that transformers 5 writes under {@code rope_parameters}. */
    ObjectNode toParameters();

    /** Frequencies theta^(-2j/dim) (Su et al., 2021). */
    record Default(double theta) implements Rope {

        @Override
        public float[] frequencies(int dim) {
            return unscaled(theta, dim);
        }

        @Override
        public ObjectNode toParameters() {
            return parameters("default", theta);
        }
    }

    /** Position interpolation (Chen et al., 2023, arXiv 2306.15595): the frequencies of all pairs are divided by one factor. */
    record Linear(double theta, double factor) implements Rope {

        @Override
        public float[] frequencies(int dim) {
            float[] out = unscaled(theta, dim);
            for (int j = 0; j < out.length; j++) {
                out[j] /= (float) factor;
            }
            return out;
        }

        @Override
        public ObjectNode toParameters() {
            return parameters("linear", theta).put("factor", factor);
        }
    }

    /**
     * NTK-aware scaling that grows with a sequence beyond the original context: theta becomes
     * theta · (factor · length / original − factor + 1)^(dim / (dim − 2)).
     */
    record Dynamic(double theta, double factor, int originalMaxPositions) implements Rope {

        @Override
        public float[] frequencies(int dim) {
            return unscaled(theta, dim);
        }

        @Override
        public float[] frequencies(int dim, long length) {
            return unscaled(theta(dim, length), dim);
        }

        /** Returns theta in a sequence of this many tokens. */
        public double theta(int dim, long length) {
            long counted = Math.max(length, originalMaxPositions);
            double grown = factor * counted / originalMaxPositions - (factor - 1);
            return theta * Math.pow(grown, dim / (dim - 2.0));
        }

        @Override
        public boolean byLength() {
            return true;
        }

        @Override
        public ObjectNode toParameters() {
            return parameters("dynamic", theta).put("factor", factor)
                    .put("original_max_position_embeddings", originalMaxPositions);
        }
    }

    /**
     * LongRoPE (Ding et al., 2024, arXiv 2402.13753): each pair has a factor, from one list in sequences within the original
     * context and from another in longer ones.
     *
     * @param attentionFactor computed by the reader if the configuration has none
     */
    record LongRope(double theta, List<Double> shortFactors, List<Double> longFactors, int originalMaxPositions,
            double attentionFactor) implements Rope {

        @Override
        public float[] frequencies(int dim) {
            return frequencies(dim, originalMaxPositions);
        }

        @Override
        public float[] frequencies(int dim, long length) {
            List<Double> factors = length > originalMaxPositions ? longFactors : shortFactors;
            if (factors.size() != dim / 2) {
                throw new RefusalException("Invalid longrope factors: " + factors.size() + " of them (expected " + dim / 2
                        + ", one for each pair of " + dim + " dimensions)");
            }
            float[] out = new float[dim / 2];
            for (int j = 0; j < out.length; j++) {
                out[j] = 1 / (factors.get(j).floatValue() * period(theta, j, dim));
            }
            return out;
        }

        @Override
        public boolean byLength() {
            return true;
        }

        @Override
        public boolean fits(int dim) {
            return shortFactors.size() == dim / 2 && longFactors.size() == dim / 2;
        }

        @Override
        public ObjectNode toParameters() {
            ObjectNode out = parameters("longrope", theta);
            shortFactors.forEach(out.putArray("short_factor")::add);
            longFactors.forEach(out.putArray("long_factor")::add);
            return out.put("original_max_position_embeddings", originalMaxPositions).put("attention_factor", attentionFactor);
        }
    }

    /** Llama 3.1: low frequencies are divided by a factor, high ones are kept, those between are interpolated. */
    record Llama3(double theta, double factor, double lowFreqFactor, double highFreqFactor, int originalMaxPositions)
            implements Rope {

        @Override
        public float[] frequencies(int dim) {
            float[] out = unscaled(theta, dim);
            double longest = originalMaxPositions / lowFreqFactor;
            double shortest = originalMaxPositions / highFreqFactor;
            for (int j = 0; j < out.length; j++) {
                float wavelength = (float) (2 * Math.PI) / out[j];
                if (wavelength > longest) {
                    out[j] = out[j] / (float) factor;
                } else if (wavelength >= shortest) {
                    float smooth = (float) ((originalMaxPositions / wavelength - lowFreqFactor)
                            / (highFreqFactor - lowFreqFactor));
                    out[j] = (1 - smooth) * out[j] / (float) factor + smooth * out[j];
                }
            }
            return out;
        }

        @Override
        public ObjectNode toParameters() {
            return parameters("llama3", theta)
                    .put("factor", factor)
                    .put("low_freq_factor", lowFreqFactor)
                    .put("high_freq_factor", highFreqFactor)
                    .put("original_max_position_embeddings", originalMaxPositions);
        }
    }

    /**
     * YaRN (Peng et al., 2023, arXiv 2309.00071).
     *
     * @param attentionFactor computed by the reader from factor, mscale and mscale_all_dim if the configuration has none
     * @param truncate whether the ends of the ramp are rounded to whole pairs
     */
    record Yarn(double theta, double factor, int originalMaxPositions, double betaFast, double betaSlow,
            double attentionFactor, boolean truncate) implements Rope {

        @Override
        public float[] frequencies(int dim) {
            double low = pairAtTurns(betaFast, dim);
            double high = pairAtTurns(betaSlow, dim);
            if (truncate) {
                low = Math.floor(low);
                high = Math.ceil(high);
            }
            low = Math.max(low, 0);
            high = Math.min(high, dim - 1);
            if (low == high) {
                high += 0.001;
            }
            float[] out = new float[dim / 2];
            for (int j = 0; j < out.length; j++) {
                float period = period(theta, j, dim);
                float interpolated = 1 / ((float) factor * period);
                float ramp = Math.min(1, Math.max(0, (j - (float) low) / (float) (high - low)));
                float kept = 1 - ramp;
                out[j] = interpolated * (1 - kept) + 1 / period * kept;
            }
            return out;
        }

        /** Returns the (fractional) index of the pair that makes this many turns within the original context. */
        private double pairAtTurns(double turns, int dim) {
            return dim * Math.log(originalMaxPositions / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
        }

        @Override
        public ObjectNode toParameters() {
            return parameters("yarn", theta)
                    .put("factor", factor)
                    .put("original_max_position_embeddings", originalMaxPositions)
                    .put("beta_fast", betaFast)
                    .put("beta_slow", betaSlow)
                    .put("attention_factor", attentionFactor)
                    .put("truncate", truncate);
        }
    }

    /**
     * Reads either form of a config.json: {@code rope_parameters} (transformers 5), or {@code rope_theta} with
     * {@code rope_scaling} (4). Expects max_position_embeddings beside them.
     *
     * @throws RefusalException for a rope type or a parameter that is not implemented
     */
    static Rope read(ConfigJson config) {
        String key = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
        config.ignore("rope_parameters", "rope_scaling");
        if (!config.has(key)) {
            config.ignore("max_position_embeddings");
            return new Default(above0(config, "rope_theta", 10_000));
        }
        return read(config.object(key), config);
    }

    /**
     * Reads parameters of either form.
     *
     * @param config what they stand in, for max_position_embeddings, original_max_position_embeddings and rope_theta
     */
    static Rope read(ConfigJson parameters, ConfigJson config) {
        double base = above0(config, "rope_theta", 10_000);
        int maxPositions = config.positive("max_position_embeddings", 2048);
        // Read with the head dimension.
        parameters.ignore("partial_rotary_factor");
        double theta = above0(parameters, "rope_theta", base);
        String type = parameters.text("rope_type", parameters.text("type", "default"));
        Rope rope = switch (type) {
            case "default" -> new Default(theta);
            case "llama3" -> new Llama3(theta, factor(parameters), parameters.number("low_freq_factor"),
                    parameters.number("high_freq_factor"), parameters.positive("original_max_position_embeddings", maxPositions));
            case "linear" -> new Linear(theta, factor(parameters));
            case "dynamic" -> new Dynamic(theta, factor(parameters),
                    parameters.positive("original_max_position_embeddings", maxPositions));
            // The oldest Phi-3 checkpoints call it su.
            case "longrope", "su" -> longRope(parameters, theta, maxPositions, config);
            case "yarn" -> yarn(parameters, theta, maxPositions);
            default -> throw parameters.invalid(parameters.has("rope_type") ? "rope_type" : "type",
                    "default, linear, dynamic, yarn, llama3 or longrope");
        };
        parameters.refuseUnread("rope type " + type);
        return rope;
    }

    private static double factor(ConfigJson parameters) {
        parameters.number("factor");
        return above0(parameters, "factor", 1);
    }

    /** Reads a number above 0; other values would make all angles NaN or infinite. */
    private static double above0(ConfigJson json, String key, double absent) {
        double value = json.number(key, absent);
        if (!(value > 0)) {
            throw json.invalid(key, "a number above 0");
        }
        return value;
    }

    /** Returns how many dimensions of a head are rotated: partial_rotary_factor in either form of a config.json. */
    static int rotaryDim(ConfigJson config, int headDim) {
        double factor = config.number("partial_rotary_factor", 1);
        if (config.has("rope_parameters")) {
            factor = config.object("rope_parameters").number("partial_rotary_factor", factor);
        }
        int dim = (int) (headDim * factor);
        if (dim < 2 || dim > headDim || dim % 2 != 0) {
            throw new RefusalException("Invalid partial_rotary_factor: " + factor + " of head_dim " + headDim
                    + " (expected an even number of dimensions within it)");
        }
        return dim;
    }

    private static LongRope longRope(ConfigJson parameters, double theta, int maxPositions, ConfigJson config) {
        // Phi-3 keeps it beside the parameters.
        int original = parameters.positive("original_max_position_embeddings",
                config.positive("original_max_position_embeddings", maxPositions));
        double factor = above0(parameters, "factor", (double) maxPositions / original);
        double attention = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        return new LongRope(theta, parameters.numbers("short_factor"), parameters.numbers("long_factor"), original,
                parameters.number("attention_factor", attention));
    }

    private static Yarn yarn(ConfigJson parameters, double theta, int maxPositions) {
        int original = parameters.positive("original_max_position_embeddings", maxPositions);
        double factor = above0(parameters, "factor", (double) maxPositions / original);
        double mscale = parameters.number("mscale", 0);
        double mscaleAllDim = parameters.number("mscale_all_dim", 0);
        double attention = mscale != 0 && mscaleAllDim != 0
                ? mscale(factor, mscale) / mscale(factor, mscaleAllDim)
                : mscale(factor, 1);
        return new Yarn(theta, factor, original, parameters.number("beta_fast", 32), parameters.number("beta_slow", 1),
                parameters.number("attention_factor", attention), parameters.flag("truncate", true));
    }

    /** Returns YaRN's factor of the attention temperature. */
    static double mscale(double factor, double weight) {
        return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
    }

    private static ObjectNode parameters(String type, double theta) {
        return JsonNodeFactory.instance.objectNode().put("rope_type", type).put("rope_theta", theta);
    }

    private static float[] unscaled(double theta, int dim) {
        float[] out = new float[dim / 2];
        for (int j = 0; j < out.length; j++) {
            out[j] = 1 / period(theta, j, dim);
        }
        return out;
    }

    private static float period(double theta, int pair, int dim) {
        return (float) Math.pow(theta, (float) (2 * pair) / dim);
    }
}
