package dev.aerie.quickstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.target.CaptureLayers;
import dev.aerie.target.Generator;
import dev.aerie.target.Target;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TargetMakerTest {

    private static final Path COMMITTED = Path.of("quickstart", "model");

    @Test
    void writesAFolderThatThePipelineLoads(@TempDir Path folder) throws Exception {
        TargetMaker.make(folder, new TargetTrainer.Schedule(2, 256, 1e-3, 1), new PrintStream(PrintStream.nullOutputStream()));
        try (Target target = Target.load(folder, DType.F32, Device.CPU); Chats chats = new Chats(folder)) {
            assertEquals(8, target.config().layers());
            assertArrayEquals(new int[] {1, 3, 4}, CaptureLayers.defaults(8));
            assertEquals(1280, target.config().vocabSize());
            assertEquals(3, Generator.greedy(target).generate(chats.prompt("Hello."), 3).length);
        }
    }

    @Test
    void aTurnAndItsEndAreSupervised() throws Exception {
        try (Chats chats = new Chats(COMMITTED)) {
            TokenSequence c = chats.encode(List.of("Where is the map?", "In the hall."));
            StringBuilder supervised = new StringBuilder();
            for (int i = 0; i < c.length(); i++) {
                if (c.lossMask()[i]) {
                    supervised.append(chats.text(new long[] {c.inputIds()[i]}));
                }
            }
            assertEquals("In the hall.<|end|>", supervised.toString());
        }
    }

    @Test
    void theCommittedTargetAnswersUnseenPrompts() throws Exception {
        ConversationWriter prompts = new ConversationWriter(99, ConversationWriter.Part.HELD_OUT);
        int ended = 0;
        try (Target target = Target.load(COMMITTED, DType.F32, Device.CPU); Chats chats = new Chats(COMMITTED)) {
            Generator generator = Generator.greedy(target);
            for (int i = 0; i < 10; i++) {
                long[] answer = generator.generate(chats.prompt(prompts.next().get(0)), 160);
                ended += chats.text(answer).endsWith(TokenizerTrainer.END) ? 1 : 0;
            }
        }
        assertTrue(ended >= 9, "answers that end by themselves: " + ended + " of 10");
    }

    @Test
    void theCommittedTargetIsSmall() throws IOException {
        long bytes = 0;
        try (var files = Files.list(COMMITTED)) {
            for (Path file : files.toList()) {
                bytes += Files.size(file);
            }
        }
        assertTrue(bytes < 8 << 20, "bytes: " + bytes);
    }
}
