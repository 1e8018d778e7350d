package dev.aerie.quickstart;

import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Autograd;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Optimizer;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

/** Trains a small Llama from scratch on tokenized conversations: packed batches, AdamW, warm-up and cosine. */
final class TargetTrainer implements AutoCloseable {

    /**
     * @param batchTokens a step takes conversations until it has this many
     * @param learningRate the highest, after the warm-up
     */
    record Schedule(int steps, int batchTokens, double learningRate, int warmUp) {

        double rate(int step) {
            double warm = Math.min(1, step / (double) warmUp);
            double done = Math.max(0, step - warmUp) / (double) Math.max(1, steps - warmUp);
            return learningRate * warm * (0.02 + 0.98 * 0.5 * (1 + Math.cos(Math.PI * done)));
        }
    }

    /** What a step did; loss in nats a token, over all tokens of the batch. */
    record Progress(int step, double loss, double gradientNorm, double learningRate, int tokens) {}

    private static final double MAX_GRADIENT_NORM = 1;
    private static final Optimizer.AdamW MATRICES = new Optimizer.AdamW(0.9, 0.95, 1e-8, 0.1);
    private static final Optimizer.AdamW NORMS = new Optimizer.AdamW(0.9, 0.95, 1e-8, 0);

    private final LlamaForTraining model;
    private final Iterator<TokenSequence> conversations;
    private final Schedule schedule;
    private final Scope state = Scope.detached();
    private final List<Tensor> leaves;
    private final List<Tensor> values = new ArrayList<>();
    private final List<Tensor> means = new ArrayList<>();
    private final List<Tensor> variances = new ArrayList<>();

    /** @param conversations without end */
    TargetTrainer(LlamaForTraining model, Iterator<TokenSequence> conversations, Schedule schedule) {
        this.model = model;
        this.conversations = conversations;
        this.schedule = schedule;
        leaves = List.copyOf(model.leaves().values());
        try (Scope making = Scope.open()) {
            for (Tensor leaf : leaves) {
                values.add(state.adopt(leaf.detach()));
                means.add(state.adopt(Tensor.zeros(DType.F32, Device.CPU, leaf.shape())));
                variances.add(state.adopt(Tensor.zeros(DType.F32, Device.CPU, leaf.shape())));
            }
        }
    }

    void run(Consumer<Progress> watcher) {
        for (int step = 1; step <= schedule.steps(); step++) {
            watcher.accept(step(step));
        }
    }

    private Progress step(int step) {
        Batch batch = Batch.of(conversations, schedule.batchTokens());
        try (Scope scope = Scope.open()) {
            Tensor loss;
            Tensor[] gradients;
            try (Autograd.Recording recording = Autograd.recording()) {
                loss = loss(model, batch, batch.next);
                gradients = Autograd.grad(List.of(loss), List.of(Tensor.full(1, DType.F32, Device.CPU)), leaves);
            }
            double norm = Optimizer.globalNorm(List.of(gradients));
            double rate = schedule.rate(step);
            for (int i = 0; i < gradients.length; i++) {
                if (norm > MAX_GRADIENT_NORM) {
                    gradients[i].mul_(MAX_GRADIENT_NORM / norm);
                }
                Optimizer.adamW(values.get(i), gradients[i], means.get(i), variances.get(i),
                        values.get(i).rank() > 1 ? MATRICES : NORMS, rate, step);
            }
            return new Progress(step, loss.item(), norm, rate, batch.ids.length);
        }
    }

    private static Tensor loss(LlamaForTraining model, Batch batch, long[] next) {
        return Autograd.crossEntropy(model.logits(batch.ids, batch.cuSeqlens), Tensor.of(next, next.length));
    }

    /** Mean loss over what the assistant says in some conversations, in nats a token. */
    static double answerLoss(LlamaForTraining model, List<TokenSequence> conversations) {
        Batch batch = Batch.of(conversations.iterator(), Integer.MAX_VALUE);
        try (Scope scope = Scope.open()) {
            return loss(model, batch, batch.nextOfAnswers).item();
        }
    }

    /** Conversations end to end; next: the token that follows each, {@link Autograd#IGNORED} after the last of a conversation. */
    private record Batch(long[] ids, long[] cuSeqlens, long[] next, long[] nextOfAnswers) {

        static Batch of(Iterator<TokenSequence> conversations, int tokens) {
            List<TokenSequence> taken = new ArrayList<>();
            int total = 0;
            while (total < tokens && conversations.hasNext()) {
                TokenSequence conversation = conversations.next();
                taken.add(conversation);
                total += conversation.length();
            }
            long[] ids = new long[total];
            long[] next = new long[total];
            long[] answers = new long[total];
            long[] ends = new long[taken.size() + 1];
            int at = 0;
            for (int i = 0; i < taken.size(); i++) {
                TokenSequence c = taken.get(i);
                for (int t = 0; t < c.length(); t++, at++) {
                    ids[at] = c.inputIds()[t];
                    boolean last = t + 1 == c.length();
                    next[at] = last ? Autograd.IGNORED : c.inputIds()[t + 1];
                    answers[at] = last || !c.lossMask()[t + 1] ? Autograd.IGNORED : c.inputIds()[t + 1];
                }
                ends[i + 1] = at;
            }
            return new Batch(ids, ends, next, answers);
        }
    }

    @Override
    public void close() {
        state.close();
    }
}
