package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Comparator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Chooses the next token from logits.
 *
 * @param temperature 0 takes the most likely token; otherwise logits are divided by it
 * @param topK number of most likely tokens that are drawn from; 0 for all
 * @param topP probability that the most likely tokens must reach together to be drawn from; 1 for all
 */
public record Sampling(double temperature, int topK, double topP) implements Serializable {

    public static final Sampling GREEDY = new Sampling(0, 0, 1);

    public Sampling {
        if (!(temperature >= 0)) {
            throw new RefusalException("Invalid temperature: " + temperature + " (expected 0 or more)");
        }
        if (topK < 0) {
            throw new RefusalException("Invalid top_k: " + topK + " (expected 1 or more, or 0 for all tokens)");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new RefusalException("Invalid top_p: " + topP + " (expected above 0 and at most 1)");
        }
    }

    public boolean greedy() {
        return temperature == 0;
    }

    /** Returns the token to emit; greedy decoding takes the first of equal maxima. */
    int choose(float[] logits, RandomGenerator random) {
        return greedy() ? argmax(logits) : draw(probabilities(logits), random);
    }

    /** Returns the index of the largest logit, the first of equal ones. */
    public static int argmax(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    /** Returns the sampling distribution in float64: temperature first, then top-k, then top-p, in Hugging Face's order. */
    public double[] probabilities(float[] logits) {
        double[] p = new double[logits.length];
        if (greedy()) {
            p[argmax(logits)] = 1;
            return p;
        }
        double largest = logits[argmax(logits)];
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp((logits[i] - largest) / temperature);
        }
        boolean cut = topK > 0 && topK < p.length;
        if (cut || topP < 1) {
            int[] byProbability = IntStream.range(0, p.length).boxed()
                    .sorted(Comparator.comparingDouble((Integer i) -> -p[i]))
                    .mapToInt(Integer::intValue)
                    .toArray();
            int kept = cut ? topK : p.length;
            double total = Arrays.stream(byProbability, 0, kept).mapToDouble(i -> p[i]).sum();
            double reached = 0;
            for (int rank = 0; rank < p.length; rank++) {
                if (rank >= kept || reached >= topP * total && rank > 0) {
                    p[byProbability[rank]] = 0;
                } else {
                    reached += p[byProbability[rank]];
                }
            }
        }
        double total = Arrays.stream(p).sum();
        for (int i = 0; i < p.length; i++) {
            p[i] /= total;
        }
        return p;
    }

    /** Draws a token in proportion to its weight; the weights need not add up to 1. */
    public static int draw(double[] weights, RandomGenerator random) {
        double left = random.nextDouble() * Arrays.stream(weights).sum();
        int last = -1;
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                last = i;
                left -= weights[i];
                if (left < 0) {
                    return i;
                }
            }
        }
        if (last < 0) {
            throw new RefusalException("Invalid weights: none is above 0 (are the logits finite?)");
        }
        return last;
    }
}
