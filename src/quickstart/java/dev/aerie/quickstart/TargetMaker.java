package dev.aerie.quickstart;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.quickstart.ConversationWriter.Part;
import dev.aerie.safetensors.SafetensorsWriter;
import dev.aerie.target.Generator;
import dev.aerie.target.Target;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Made the target that the repository carries: learns its tokenizer, trains it from scratch and writes it in Hugging Face's
 * layout. The quickstart does not run this; docs/quickstart.md has the command and the figures of the run.
 */
public final class TargetMaker {

    private static final long SEED = 1;
    private static final int VOCABULARY = 1280;
    private static final int TOKENIZER_CONVERSATIONS = 4000;
    private static final int THREADS = 2;
    private static final int HELD_OUT = 100;
    private static final int REPORT_EVERY = 50;
    private static final TargetTrainer.Schedule SCHEDULE = new TargetTrainer.Schedule(1800, 1024, 4e-3, 50);

    private static final ObjectMapper JSON = new ObjectMapper();

    private TargetMaker() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("Usage: TargetMaker FOLDER");
            System.exit(2);
        }
        LibTorch.setThreads(THREADS);
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        make(folder, SCHEDULE, System.out);
        show(folder, System.out);
    }

    static void make(Path folder, TargetTrainer.Schedule schedule, PrintStream out) throws IOException {
        TokenizerTrainer tokenizer =
                TokenizerTrainer.learn(new ConversationWriter(SEED, Part.TRAINING).texts(TOKENIZER_CONVERSATIONS), VOCABULARY);
        tokenizer.write(folder);
        LlamaShape shape = LlamaShape.quickstart(tokenizer.vocabularySize());
        ConversationWriter training = new ConversationWriter(SEED, Part.TRAINING);
        ConversationWriter heldOut = new ConversationWriter(SEED, Part.HELD_OUT);
        try (Chats chats = new Chats(folder);
                LlamaForTraining model = new LlamaForTraining(shape, SEED)) {
            Iterator<TokenSequence> conversations = Stream.generate(training::next).map(chats::encode).iterator();
            List<TokenSequence> unseen = Stream.generate(heldOut::next).limit(HELD_OUT).map(chats::encode).toList();
            out.printf(Locale.ROOT, "%,d parameters%n", model.parameters());
            long started = System.nanoTime();
            try (TargetTrainer trainer = new TargetTrainer(model, conversations, schedule)) {
                trainer.run(p -> {
                    if (p.step() % REPORT_EVERY == 0 || p.step() == schedule.steps()) {
                        out.printf(Locale.ROOT, "step %d: loss %.3f, %,.0f s%n", p.step(), p.loss(),
                                (System.nanoTime() - started) / 1e9);
                    }
                });
            }
            out.printf(Locale.ROOT, "loss on the answers of %d held-out conversations: %.4f nats a token%n", HELD_OUT,
                    TargetTrainer.answerLoss(model, unseen));
            try (Scope scope = Scope.open()) {
                SafetensorsWriter.write(folder.resolve("model.safetensors"), model.weights(DType.BF16), Map.of("format", "pt"));
            }
        }
        writeConfig(folder, shape, tokenizer);
    }

    private static void writeConfig(Path folder, LlamaShape shape, TokenizerTrainer tokenizer) throws IOException {
        ObjectNode config = JSON.createObjectNode();
        config.putArray("architectures").add("LlamaForCausalLM");
        config.put("model_type", "llama").put("dtype", "bfloat16").put("vocab_size", shape.vocabulary())
                .put("hidden_size", shape.hidden()).put("intermediate_size", shape.intermediate())
                .put("num_hidden_layers", shape.layers()).put("num_attention_heads", shape.heads())
                .put("num_key_value_heads", shape.kvHeads()).put("head_dim", shape.headDim())
                .put("hidden_act", "silu").put("attention_bias", false).put("mlp_bias", false)
                .put("max_position_embeddings", LlamaShape.MAX_POSITIONS).put("rms_norm_eps", LlamaShape.RMS_NORM_EPS)
                .put("rope_theta", LlamaShape.ROPE_THETA).put("tie_word_embeddings", true)
                .putNull("bos_token_id").put("eos_token_id", tokenizer.idOf(TokenizerTrainer.END))
                .put("pad_token_id", tokenizer.idOf(TokenizerTrainer.PAD));
        save(folder.resolve("config.json"), config);
        save(folder.resolve("generation_config.json"), JSON.createObjectNode()
                .put("eos_token_id", tokenizer.idOf(TokenizerTrainer.END)).put("pad_token_id",
                        tokenizer.idOf(TokenizerTrainer.PAD))
                .put("do_sample", false));
    }

    private static void save(Path file, ObjectNode json) throws IOException {
        Files.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
    }

    /** Lets the finished target answer prompts that it has not seen. */
    private static void show(Path folder, PrintStream out) throws IOException {
        ConversationWriter prompts = new ConversationWriter(SEED + 1, Part.HELD_OUT);
        try (Chats chats = new Chats(folder);
                Target target = Target.load(folder, DType.F32, Device.CPU)) {
            Generator generator = Generator.greedy(target);
            for (int i = 0; i < 12; i++) {
                String prompt = prompts.next().get(0);
                out.printf(Locale.ROOT, "%n> %s%n%s%n", prompt, chats.text(generator.generate(chats.prompt(prompt), 160)));
            }
        }
    }
}
