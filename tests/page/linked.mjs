/** A link on its own, and what it tells its owner. */

import { Link } from "../../chat/web/link.js";
import { Net } from "./fake.mjs";

export function linked() {
  const net = new Net();
  const told = [];
  const owner = {
    opened: () => told.push("opened"),
    received: ({ cmd }) => told.push(cmd),
    lost: (kinds) => kinds.length && told.push(kinds),
    became: (state) => told.push(state),
    work: () => told.push("work"),
    identity: () => ({ accountId: 1 }),
  };
  const link = new Link("ws://node/ws", owner, net.options);
  const bind = () => {
    net.socket.open();
    link.bind();
    link.online();
  };
  link.start();
  return { net, told, link, bind, clock: net.clock };
}

export function online() {
  const scene = linked();
  scene.bind();
  scene.told.length = 0;
  return scene;
}
