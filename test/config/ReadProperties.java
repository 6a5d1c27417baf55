import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.util.Properties;
import java.util.TreeMap;

/**
 * Reads properties files from standard input, each with its length before it, as 32 bits; writes for
 * each what java.util.Properties makes of it: the number of pairs, or -1 where it refuses the file,
 * then each key and value in the order of the keys, as UTF-16 with a length before it.
 */
public class ReadProperties {
  public static void main(String[] args) throws Exception {
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
    while (true) {
      int length;
      try {
        length = in.readInt();
      } catch (EOFException end) {
        break;
      }
      byte[] bytes = in.readNBytes(length);
      Properties properties = new Properties();
      try {
        properties.load(new ByteArrayInputStream(bytes));
      } catch (IllegalArgumentException refused) {
        out.writeInt(-1);
        continue;
      }
      TreeMap<String, String> sorted = new TreeMap<>();
      for (String key : properties.stringPropertyNames()) {
        sorted.put(key, properties.getProperty(key));
      }
      out.writeInt(sorted.size());
      for (var pair : sorted.entrySet()) {
        for (String text : new String[] {pair.getKey(), pair.getValue()}) {
          // By hand: an encoder would put a question mark for half a character.
          byte[] encoded = new byte[text.length() * 2];
          for (int i = 0; i < text.length(); i++) {
            encoded[2 * i] = (byte) (text.charAt(i) >> 8);
            encoded[2 * i + 1] = (byte) text.charAt(i);
          }
          out.writeInt(encoded.length);
          out.write(encoded);
        }
      }
    }
    out.flush();
  }
}
