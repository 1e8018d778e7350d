package dev.aerie.quickstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TargetTrainerTest {

    private static final LlamaShape TINY = new LlamaShape(12, 16, 32, 2, 2, 1, 8);

    /** Counts upwards from a random start: one look back tells the next. */
    private static TokenSequence counting(Random random) {
        int start = random.nextInt(12);
        int[] ids = new int[8];
        Arrays.setAll(ids, i -> (start + i) % 12);
        boolean[] answer = new boolean[8];
        Arrays.fill(answer, 4, 8, true);
        return new TokenSequence(ids, answer);
    }

    private static List<Double> train(LlamaForTraining model, int steps) {
        Random random = new Random(1);
        List<Double> losses = new ArrayList<>();
        try (TargetTrainer trainer = new TargetTrainer(model, Stream.generate(() -> counting(random)).iterator(),
                new TargetTrainer.Schedule(steps, 64, 1e-2, 5))) {
            trainer.run(p -> losses.add(p.loss()));
        }
        return losses;
    }

    @Test
    void lossFalls() {
        long before = Scope.liveTensors();
        try (LlamaForTraining model = new LlamaForTraining(TINY, 7)) {
            double untrained = TargetTrainer.answerLoss(model, List.of(counting(new Random(2))));
            List<Double> losses = train(model, 40);
            assertEquals(Math.log(12), losses.get(0), 0.2);
            assertTrue(losses.get(39) < 0.5 * losses.get(0), "losses: " + losses);
            assertTrue(TargetTrainer.answerLoss(model, List.of(counting(new Random(2)))) < 0.5 * untrained);
        }
        assertEquals(before, Scope.liveTensors());
    }

    @Test
    void sameSeedSameWeights() {
        int threads = LibTorch.threads();
        LibTorch.setThreads(1);
        try (LlamaForTraining a = new LlamaForTraining(TINY, 7); LlamaForTraining b = new LlamaForTraining(TINY, 7);
                Scope scope = Scope.open()) {
            train(a, 5);
            train(b, 5);
            a.leaves().forEach((name, leaf) -> assertArrayEquals(leaf.toFloats(), b.leaves().get(name).toFloats(), name));
        } finally {
            LibTorch.setThreads(threads);
        }
    }
}
